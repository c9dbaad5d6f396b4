"""Users, devices and their tokens, sign-in rules (DESIGN.md §2, DOMAIN.md §7)."""
