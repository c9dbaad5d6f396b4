"""Working calendar, policies' arithmetic, running clocks and the sweep (DESIGN.md §4)."""
