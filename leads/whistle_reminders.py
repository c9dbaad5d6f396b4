"""What the clocks of a department's call say: 催办 at 80 %, and that nobody answered or came in time.

Set-based, in the sweep's transaction: each event has a row of its own for each person; whom one batch would
tell more than `DIGEST_ABOVE` things gets one row that counts them (DESIGN.md §4).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from grids.staffing import bureau_ids
from kernel.deadlines.handlers import Fired
from kernel.notices import outbox, templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from leads import whistle_links, whistle_people
from leads.clock_notices import DIGEST_ABOVE
from leads.models import DepartmentContact, WhistleCall
from leads.whistle_links import Minted
from leads.whistle_notices import SUBJECT, to_contacts, waits_for_answer, words
from leads.whistle_states import CallState

ANSWER, ON_SITE = "whistle_answer", "whistle_on_site"
WHAT = {
    "whistle_answer_soon": "部门即将回应超时",
    "whistle_on_site_soon": "部门即将到场超时",
    "whistle_answer_late": "部门未按时回应吹哨",
    "whistle_on_site_late": "部门未按时到场",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One event about one call: whom the inbox tells, and whom an SMS."""

    fired: Fired
    call: WhistleCall
    people: Collection[int | None]
    rung: Sequence[DepartmentContact]


def tell_soon(matters: Sequence[tuple[Fired, WhistleCall]], at: datetime, *, clock: str) -> None:
    """催办: the department's liaisons and contacts, by SMS whom the call itself rang up. The caller where the
    department has nobody with an account."""
    departments = {call.department_id for _, call in matters}
    liaisons = whistle_people.liaisons(departments, at)
    contacts = whistle_people.contacts(departments)
    told = []
    for fired, call in matters:
        there = contacts[call.department_id]
        people = {*liaisons[call.department_id], *(one.account_id for one in there)} - {None}
        rung = whistle_people.to_ring(there)
        told.append(Told(fired, call, people or {call.whistle.called_by_id}, rung))
    _tell(told, at, topic=f"{clock}_soon", by_link=clock == ANSWER)


def tell_late(matters: Sequence[tuple[Fired, WhistleCall]], at: datetime, *, clock: str) -> None:
    """The department's head (by SMS too) and liaisons, the subdistrict – else the bureau – and the caller."""
    departments = {call.department_id for _, call in matters}
    liaisons = whistle_people.liaisons(departments, at)
    contacts = whistle_people.contacts(departments)
    streets = whistle_people.subdistricts({call.whistle.grid_id for _, call in matters}, at)
    nobody = bureau_ids(at) if any(not streets[call.whistle.grid_id] for _, call in matters) else []
    told = []
    for fired, call in matters:
        heads = [one for one in contacts[call.department_id] if one.is_head]
        people = {
            call.whistle.called_by_id,
            *liaisons[call.department_id],
            *(one.account_id for one in heads),
            *(streets[call.whistle.grid_id] or nobody),
        }
        told.append(Told(fired, call, people, heads))
    _tell(told, at, topic=f"{clock}_late", by_link=clock == ANSWER)


def _tell(told: Sequence[Told], at: datetime, *, topic: str, by_link: bool) -> None:
    """Inbox rows and SMS of these events; with a link to answer by where an answer is owed."""
    pairs = [(one.call, contact) for one in told for contact in one.rung]
    links = whistle_links.mint(pairs if by_link else [], at)
    by_person: dict[int, list[Draft]] = defaultdict(list)
    sms: list[Draft] = []
    for one in told:
        key, whistle = f"event:{one.fired.deadline_id}:{topic}", one.call.whistle
        params = {
            "call": one.call.pk,
            "department": one.call.department.name,
            "due_at": _due_at(one, topic).isoformat(),
        }
        for person in sorted({person for person in one.people if person is not None}):
            by_person[person].append(
                Draft(
                    f"{key}:user:{person}", f"leads.{topic}", words(whistle) | params, SUBJECT, whistle.pk,
                    recipient_id=person,
                )
            )  # fmt: skip
        sms += _sms(one, links, key, f"leads.{topic}", params)
    drafts = [draft for person, own in by_person.items() for draft in _digested(person, own, topic)]
    outbox.post([*drafts, *sms], at=at)


def _due_at(one: Told, topic: str) -> datetime:
    """The limit itself, which a reminder comes before."""
    due_at = one.call.answer_due_at if topic.startswith(ANSWER) else one.call.on_site_due_at
    return due_at or one.fired.due_at


def _sms(
    one: Told, links: Mapping[tuple[int, int], Minted], key: str, template: str, params: dict[str, Any]
) -> Iterable[Draft]:
    own = {pair: links[pair] for contact in one.rung if (pair := (one.call.pk, contact.pk)) in links}
    if own:
        return to_contacts(one.call, own, key, template, params)
    said = words(one.call.whistle) | params
    return [
        Draft(f"{key}:sms:{contact.pk}", template, said, SUBJECT, one.call.whistle_id, sms_to=contact.phone)
        for contact in one.rung
    ]


def _digested(person: int, drafts: list[Draft], topic: str) -> list[Draft]:
    if len(drafts) <= DIGEST_ABOVE:
        return drafts
    events = [int(draft.dedupe_key.split(":")[1]) for draft in drafts]
    first = drafts[0]
    params = {"count": len(drafts), "what": WHAT[topic], "events": events, "number": first.params["whistle"]}
    key = f"event:{min(events)}:{topic}:digest:user:{person}"
    return [Draft(key, "leads.digest", params, SUBJECT, first.subject_id, recipient_id=person)]


def _waits_on_site(message: OutboxMessage) -> bool:
    waiting = (CallState.CALLED, CallState.ANSWERED)
    return WhistleCall.objects.filter(pk=message.params.get("call"), state__in=waiting).exists()


def register() -> None:
    """Register the words (called once, at start-up)."""
    for clock, verb, still_wanted, then in (
        (ANSWER, "回应", waits_for_answer, "请立即打开链接回应：{link}"),
        (ON_SITE, "到场", _waits_on_site, "请立即安排。"),
    ):
        templates.register(
            f"leads.{clock}_soon",
            f"催办：请{{department}}{verb}{{whistle}}",
            f"{{where}}，{{what}}，请于 {{due_at}} 前{verb}。",
            still_wanted,
            sms=f"催办：{{where}}，{{what}}，请{{department}}于 {{due_at}} 前{verb}，{then}",
        )
        templates.register(
            f"leads.{clock}_late",
            f"{{department}}未按时{verb}：{{whistle}}",
            f"{{where}}，{{what}}，时限 {{due_at}}，{{department}}未按时{verb}，请督促。",
            still_wanted,
            sms=f"{{where}}，{{what}}，时限 {{due_at}}，{{department}}未按时{verb}，{then}",
        )
