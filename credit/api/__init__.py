"""The REST API of credit (API.md)."""
