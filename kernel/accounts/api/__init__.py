"""Endpoints of `auth/` (API.md)."""
