"""Endpoints of the stations (API.md)."""
