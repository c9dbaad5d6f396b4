"""Patrols: policy, tasks, visits, the papers of an inspection, and what a plan run did."""

from patrols.models.inspection import EnforcementCard, InspectionPaper
from patrols.models.plan import PatrolPolicy, PlanRun
from patrols.models.task import PatrolTask
from patrols.models.visit import PatrolVisit

__all__ = [
    "EnforcementCard",
    "InspectionPaper",
    "PatrolPolicy",
    "PatrolTask",
    "PatrolVisit",
    "PlanRun",
]
