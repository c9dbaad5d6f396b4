"""What the lists of patrols share: who looks."""

from __future__ import annotations

from grids.admin.of_entity import OfEntity
from grids.admin_access import BUREAU_PEOPLE, GRID_PEOPLE, OFFICE_PEOPLE

LOOKS = OFFICE_PEOPLE | BUREAU_PEOPLE | GRID_PEOPLE


class OfShop(OfEntity):
    """Read only: patrols are done on the phone."""

    view_roles = LOOKS
