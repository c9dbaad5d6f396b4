"""Leads, their signatures and the orders of supervision (DESIGN.md §3, DOMAIN.md §1).

What SQL can say of the life of a lead is said here as constraints; who moves it and what happens
beside it stands in the services (`intake`, `dispatch`, `lifecycle`, `signing`, `supervision`).
"""

from __future__ import annotations

from leads.models.after import (
    Correction,
    InterimFeedback,
    LookBack,
    LookBackQuerySet,
    Merge,
    Recheck,
    Recusal,
    Referral,
    Reopening,
    Unmerge,
)
from leads.models.answer import Answer, AnswerAttempt, AnswerState, Rating, Result, Survey, Way
from leads.models.choices import (
    DisposalKind,
    FileStage,
    Instruction,
    LateSide,
    Method,
    Plan,
    RejectReason,
    Severity,
    Side,
    Stage,
    SuspendReason,
)
from leads.models.department import DepartmentContact, DepartmentPolicy
from leads.models.lead import Category, Lead, LeadQuerySet
from leads.models.leniency import (
    Guidance,
    GuidanceKind,
    Harm,
    LeniencyDecision,
    LeniencyResult,
    OfficerSignature,
    Route,
)
from leads.models.parts import CaseNumber, Disposal, LeadEvidence, LeadReporter, Rework
from leads.models.platform import KeptComplaint, Matter, MatterKind, Platform, UsedSignature
from leads.models.requests import Extension, JointHandler, Reclassification, Rejection, Suspension
from leads.models.signature import Signature
from leads.models.supervision import Acknowledgement, SupervisionOrder
from leads.models.whistle import Whistle, WhistleCall, WhistleEvidence, WhistleLink

__all__ = [
    "Acknowledgement",
    "Answer",
    "AnswerAttempt",
    "AnswerState",
    "CaseNumber",
    "Category",
    "Correction",
    "DepartmentContact",
    "DepartmentPolicy",
    "Disposal",
    "DisposalKind",
    "Extension",
    "FileStage",
    "Guidance",
    "GuidanceKind",
    "Harm",
    "Instruction",
    "InterimFeedback",
    "JointHandler",
    "KeptComplaint",
    "LateSide",
    "Lead",
    "LeadEvidence",
    "LeadQuerySet",
    "LeadReporter",
    "LeniencyDecision",
    "LeniencyResult",
    "LookBack",
    "LookBackQuerySet",
    "Matter",
    "MatterKind",
    "Merge",
    "Method",
    "OfficerSignature",
    "Plan",
    "Platform",
    "Rating",
    "Recheck",
    "Reclassification",
    "Recusal",
    "Referral",
    "RejectReason",
    "Rejection",
    "Reopening",
    "Result",
    "Rework",
    "Route",
    "Severity",
    "Side",
    "Signature",
    "Stage",
    "SupervisionOrder",
    "Survey",
    "SuspendReason",
    "Suspension",
    "Unmerge",
    "UsedSignature",
    "Way",
    "Whistle",
    "WhistleCall",
    "WhistleEvidence",
    "WhistleLink",
]
