"""Endpoints of the inbox."""
