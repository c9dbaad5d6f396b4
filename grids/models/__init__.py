"""Who and where: places, people, the register (DESIGN.md §2)."""

from grids.models.people import Absence, DutyShift, Posting
from grids.models.places import BoundaryVersion, Community, Department, Grid, Office, Subdistrict, WorkGroup
from grids.models.register import BusinessEntity, BusinessType, CreditGrade, EntityKind, EntityStatus
from grids.models.work import LeadGroup, ResponsibilityItem, TaskItem

__all__ = [
    "Absence",
    "BoundaryVersion",
    "BusinessEntity",
    "BusinessType",
    "Community",
    "CreditGrade",
    "Department",
    "DutyShift",
    "EntityKind",
    "EntityStatus",
    "Grid",
    "LeadGroup",
    "Office",
    "Posting",
    "ResponsibilityItem",
    "Subdistrict",
    "TaskItem",
    "WorkGroup",
]
