"""A–D credit. Built by a later issue; only the place is kept."""
