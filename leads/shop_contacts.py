"""入企记录 of leads: each act that takes somebody into a shop is written there (DOMAIN.md §1).

Never of a tip-off (举报), and never of what was done by telephone or from photos. To take a lead (接单) is
not yet to be there: control and feedback are, once a lead, round and day.
"""

from __future__ import annotations

from datetime import datetime

from grids import contacts
from grids.contacts import Contact
from grids.models import Purpose
from kernel.clock import local_date
from leads.acts import Act
from leads.models import Guidance, GuidanceKind, Lead, LookBack, Method, Plan, WhistleCall
from leads.whistle_states import How


def _write(
    lead: Lead | None, purpose: Purpose, *, source: str, by_id: int | None, at: datetime, names: str = ""
) -> None:
    if lead is None or lead.entity_id is None or lead.restricted:
        return
    row = Contact(lead.entity_id, purpose, by_id, at, source, with_names=names, note=f"线索{lead.number}")
    contacts.record([row])


def handled(act: Act) -> None:
    """Control or feedback, unless it is handled by telephone."""
    lead = act.lead
    if lead.respond_plan != Plan.BY_PHONE:
        source = f"{lead.stream}:{lead.round}:{local_date(act.at)}"
        _write(lead, Purpose.LEAD, source=source, by_id=act.by_id, at=act.at)


def verified(act: Act, method: str) -> None:
    """核验 on site."""
    if method == Method.ON_SITE:
        source = f"{act.lead.stream}:{act.lead.round}:verify"
        _write(act.lead, Purpose.VERIFY, source=source, by_id=act.by_id, at=act.at)


def rechecked(act: Act, round: int) -> None:
    """复查 by the office; the countersignature is given on the grid worker's own phone."""
    source = f"{act.lead.stream}:{round}:recheck"
    _write(act.lead, Purpose.RECHECK, source=source, by_id=act.by_id, at=act.at)


def looked_back(act: Act, row: LookBack) -> None:
    _write(act.lead, Purpose.LOOK_BACK, source=f"look_back:{row.pk}", by_id=act.by_id, at=act.at)


def guided(row: Guidance, lead: Lead | None) -> None:
    """指导 is given at the shop; 提醒 may be a call, and to 约谈 the shop comes to the office."""
    if row.kind != GuidanceKind.GUIDE or (lead is not None and lead.restricted):
        return
    source = f"guidance:{row.pk}"
    contacts.record([Contact(row.entity_id, Purpose.GUIDANCE, row.by_id, row.at, source)])


def arrived(lead: Lead | None, call: WhistleCall, by_id: int | None, at: datetime) -> None:
    """吹哨到场: the department's person where he has an account, else the department."""
    own = call.checked_in_how == How.ACCOUNT
    _write(
        lead,
        Purpose.WHISTLE,
        source=f"whistle_call:{call.pk}",
        by_id=by_id if own else None,
        at=at,
        names="" if own else call.department.name,
    )
