"""Patrols: grade → plan → task → finding → lead (DESIGN.md §8)."""
