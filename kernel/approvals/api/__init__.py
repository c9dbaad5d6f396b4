"""Endpoints of approvals."""
