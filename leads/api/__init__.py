"""REST endpoints of leads, orders and categories (API.md)."""
