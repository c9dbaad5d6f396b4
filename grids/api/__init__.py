"""Endpoints of grids, people and the register (API.md)."""
