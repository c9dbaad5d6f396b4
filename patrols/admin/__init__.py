"""Patrols in the admin."""
