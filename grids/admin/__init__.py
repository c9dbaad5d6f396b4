"""The grids in the admin: looked at by scope, changed through services."""

from grids.admin import people, places, register, work

__all__ = ["people", "places", "register", "work"]
