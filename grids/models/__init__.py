"""Who and where: places, people, the register (DESIGN.md §2)."""

from grids.models.contacts import INSPECTIONS, EntityContact, Purpose
from grids.models.keeping import DuplicatePair, ImportFile, KeyChange, SameBusiness
from grids.models.licences import Equipment, EquipmentKind, Licence, LicenceType
from grids.models.people import Absence, DutyShift, Posting
from grids.models.places import BoundaryVersion, Community, Department, Grid, Office, Subdistrict, WorkGroup
from grids.models.register import (
    GONE,
    BusinessEntity,
    BusinessType,
    CreditGrade,
    EntityKind,
    EntityStatus,
    PlacedBy,
)
from grids.models.work import LeadGroup, ResponsibilityItem, TaskItem

__all__ = [
    "GONE",
    "INSPECTIONS",
    "Absence",
    "BoundaryVersion",
    "BusinessEntity",
    "BusinessType",
    "Community",
    "CreditGrade",
    "Department",
    "DuplicatePair",
    "DutyShift",
    "EntityContact",
    "EntityKind",
    "EntityStatus",
    "Equipment",
    "EquipmentKind",
    "Grid",
    "ImportFile",
    "KeyChange",
    "LeadGroup",
    "Licence",
    "LicenceType",
    "Office",
    "PlacedBy",
    "Posting",
    "Purpose",
    "ResponsibilityItem",
    "SameBusiness",
    "Subdistrict",
    "TaskItem",
    "WorkGroup",
]
