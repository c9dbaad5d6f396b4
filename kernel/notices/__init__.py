"""Outbox, in-app inbox and chat-group robots (DESIGN.md §6)."""
