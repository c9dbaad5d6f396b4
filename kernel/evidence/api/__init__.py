"""Endpoints of evidence."""
