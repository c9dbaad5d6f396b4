"""The REST API of patrols (API.md)."""
