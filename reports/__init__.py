"""Nightly SLA reports; reads everything, owns only its own rows."""
