"""The grids in the admin: looked at by scope, changed through services."""

from grids.admin import imports, kept, people, places, register, work

__all__ = ["imports", "kept", "people", "places", "register", "work"]
