"""Stations and disputes in the admin: a station's desk, the one-page intake, disputes, figures, circles.

Every act calls a service; nothing of a dispute is saved here. Rows come from `visible_to` only.
"""

from stations.admin import entity_panel
from stations.admin.complaints import SentComplaintAdmin
from stations.admin.disputes import DisputeAdmin
from stations.admin.stations import CircleShopAdmin, HotShopAdmin, StationAdmin

__all__ = [
    "CircleShopAdmin",
    "DisputeAdmin",
    "HotShopAdmin",
    "SentComplaintAdmin",
    "StationAdmin",
    "entity_panel",
]
