"""Who is told of a new lead: its owner, the group, the workers, or the desk; of a tip-off far fewer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from grids import staffing
from kernel.notices.outbox import Draft
from leads import notices, tip_offs
from leads.models import Lead

if TYPE_CHECKING:
    from leads.intake_rows import Rows


def first_words(rows: Rows, lead: Lead) -> list[Draft]:
    """Who is told of a lead that was just made, and what: drafts, for the one statement of a report."""
    if lead.restricted:
        return _word_of_tip_off(rows, lead)
    grid = rows.people.grid_code if rows.people else "未匹配网格"
    params: dict[str, Any] = {"number": lead.number, "category": rows.category.name, "grid": grid}
    if rows.owner:
        params["respond_due_at"] = lead.respond_due_at.isoformat() if lead.respond_due_at else None
        key: dict[str, Any] = {
            "key": "dispatched:1",
            "template": "leads.dispatched",
            "lead_id": lead.pk,
            "params": params,
        }
        robot = rows.people.robot_id if rows.people else None
        return [
            *notices.to_people([rows.owner.user_id, *rows.owner.tell_ids], **key),
            *notices.to_phones(
                [rows.owner.user_id, *rows.owner.tell_ids],
                key="dispatched:1",
                template="leads.dispatched",
                lead=lead,
                params=params,
            ),
            *notices.to_group(robot, **key),
            *_tell_workers(rows, lead, params),
        ]
    params |= {
        "reason": rows.place.reason,
        "desk_due_at": lead.desk_due_at.isoformat() if lead.desk_due_at else None,
    }
    return notices.to_people(
        _desk_people(lead.office_id, rows.at),
        key="desk",
        template="leads.desk",
        lead_id=lead.pk,
        params=params,
    )


def _word_of_tip_off(rows: Rows, lead: Lead) -> list[Draft]:
    """Its owner, or who places it: nobody else, and no group."""
    due_at = lead.feedback_due_at.isoformat()
    params: dict[str, Any] = {"number": lead.number, "category": rows.category.name, "due_at": due_at}
    if rows.owner:
        told, template = [rows.owner.user_id], "leads.tip_off_dispatched"
    else:
        params["reason"] = rows.place.reason
        told = tip_offs.desk_people(lead.office_id, lead.restricted_section, rows.at)
        template = "leads.tip_off_desk"
    return notices.to_people(told, key="tip_off", template=template, lead_id=lead.pk, params=params)


def _tell_workers(rows: Rows, lead: Lead, params: dict[str, Any]) -> list[Draft]:
    """A lead that no grid worker reported waits for a worker's 已知悉: they are told."""
    if rows.worker is not None or rows.people is None:
        return []
    workers = [*rows.people.worker_ids, *rows.people.worker_stand_in_ids]
    return notices.to_people(
        [p for p in workers if p != rows.by.pk],
        key="told",
        template="leads.told",
        lead_id=lead.pk,
        params=params,
    )


def _desk_people(office_id: int | None, at: datetime) -> list[int]:
    """Who places what no rule could place: clerk and head of the office, else the bureau. One statement."""
    if office_id is not None:
        office = staffing.office_people([office_id], at)[office_id]
        people = [*office.clerk_ids, *office.head_ids]
        if people:
            return people
    return staffing.bureau_ids(at)
