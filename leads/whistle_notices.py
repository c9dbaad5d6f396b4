"""The words about whistles, and who gets them. Never free text of the caller, never a citizen.

SMS go to departments' contacts, each with a link of its own (`whistle_links`). What the clocks say stands in
`whistle_reminders`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from grids.staffing import routing_facts
from kernel.clock import SHANGHAI
from kernel.notices import outbox, templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from leads import whistle_links, whistle_people
from leads.models import Whistle, WhistleCall
from leads.whistle_states import Answer, CallState, WhistleState

if TYPE_CHECKING:
    from leads.whistle_acts import WhistleAct

SUBJECT = "whistle"


def waits_for_answer(message: OutboxMessage) -> bool:
    return WhistleCall.objects.filter(
        pk=message.params.get("call"), state=CallState.CALLED, whistle__state=WhistleState.OPEN
    ).exists()


def register() -> None:
    """Register every template of whistles (called once, at start-up)."""
    add = templates.register
    add(
        "leads.whistle_called",
        "请{department}报到：{whistle}",
        "{caller}吹哨，{where}，{what}。{limits}",
    )
    add(
        "leads.whistle_sms",
        "请{department}报到",
        "{caller}吹哨，{where}，{what}。{limits}",
        waits_for_answer,
        sms="{caller}吹哨，请{department}报到：{where}，{what}。{limits}打开链接回应：{link}",
    )
    add("leads.whistle_blown", "{whistle}已发出", "{where}，{what}，已通知{departments}报到。")
    add(
        "leads.whistle_answered",
        "{department}已回应{whistle}",
        "{department}回应“{answer}”，{grid}，{what}。",
    )
    add(
        "leads.whistle_declined",
        "{department}答复不归我管：{whistle}",
        "{grid}，{what}。可以改叫其他部门。",
    )
    add("leads.whistle_on_site", "{department}已到场：{whistle}", "{grid}，{what}。")
    add("leads.whistle_reported", "{department}已报告：{whistle}", "{grid}，{what}。请核对后结束吹哨。")
    add(
        "leads.whistle_closed",
        "{whistle}已结束",
        "{grid}，{what}，吹哨方已结束本次吹哨。",
        urgency=Urgency.NEWS,
    )


def words(whistle: Whistle) -> dict[str, Any]:
    """What every notice about a whistle may say: its number, grid, place and the lead's category."""
    lead, grid = whistle.lead, whistle.grid
    return {
        "whistle": str(whistle),
        "grid": grid.name,
        "where": f"{grid.name}（{whistle.place}）" if whistle.place else grid.name,
        "what": lead.category.name if lead is not None else "现场问题",
        "number": lead.number if lead is not None else str(whistle),
    }


def _to_people(
    people: Iterable[int | None], key: str, template: str, whistle: Whistle, **params: Any
) -> list[Draft]:
    told = words(whistle) | params
    return [
        Draft(f"whistle:{whistle.pk}:{key}:user:{one}", template, told, SUBJECT, whistle.pk, recipient_id=one)
        for one in sorted({one for one in people if one is not None})
    ]


def limits_words(call: WhistleCall) -> str:
    """The times agreed on, in one sentence."""
    agreed = [
        f"{due_at.astimezone(SHANGHAI):%H:%M}前{what}"
        for due_at, what in ((call.answer_due_at, "回应"), (call.on_site_due_at, "到场"))
        if due_at is not None
    ]
    return f"请于{'、'.join(agreed)}。" if agreed else "请尽快回应。"


def caller_name(whistle: Whistle) -> str:
    """The house that calls, not the person: the office, or the grid's lead community."""
    grid = whistle.grid
    return grid.office.name if whistle.side == "office" else grid.lead_community.name


def tell_called(act: WhistleAct, calls: Sequence[WhistleCall]) -> None:
    """The departments' liaisons (inbox) and contacts (SMS), the lead's owner, the grid's group."""
    whistle, at = act.whistle, act.at
    ids = [call.department_id for call in calls]
    liaisons = whistle_people.liaisons(ids, at)
    contacts = whistle_people.contacts(ids)
    caller = caller_name(whistle)
    drafts: list[Draft] = []
    ringing = [(call, one) for call in calls for one in whistle_people.to_ring(contacts[call.department_id])]
    links = whistle_links.mint(ringing, at)
    for call in calls:
        told = {
            "call": call.pk,
            "department": call.department.name,
            "caller": caller,
            "limits": limits_words(call),
        }
        people = [*liaisons[call.department_id], *(one.account_id for one in contacts[call.department_id])]
        drafts += _to_people(
            [one for one in people if one != act.by_id],
            f"called:{call.pk}",
            "leads.whistle_called",
            whistle,
            **told,
        )
        drafts += to_contacts(
            call, links, f"whistle:{whistle.pk}:called:{call.pk}", "leads.whistle_sms", told
        )
    names = [call.department.name for call in calls]
    key = f"blown:{calls[0].pk}"
    owner = act.lead.assignee_id if act.lead is not None else None
    if owner != act.by_id:
        drafts += _to_people([owner], key, "leads.whistle_blown", whistle, departments=names)
    drafts += _to_group(whistle, at, key, "leads.whistle_blown", departments=names)
    outbox.post(drafts, at=at)


def to_contacts(
    call: WhistleCall,
    links: dict[tuple[int, int], whistle_links.Minted],
    key: str,
    template: str,
    params: dict[str, Any],
) -> list[Draft]:
    """One SMS to each contact for whom a link of this call was made."""
    whistle = call.whistle
    found = []
    for (call_id, contact_id), made in links.items():
        if call_id == call.pk:
            told = words(whistle) | params | {"link": made.address}
            found.append(
                Draft(
                    f"{key}:sms:{contact_id}", template, told, SUBJECT, whistle.pk,
                    sms_to=made.row.contact.phone, expires_at=made.row.expires_at,
                )
            )  # fmt: skip
    return found


def _to_group(whistle: Whistle, at: datetime, key: str, template: str, **params: Any) -> list[Draft]:
    people = routing_facts(whistle.grid_id, at)
    if people is None or people.robot_id is None:
        return []
    told = words(whistle) | params
    name = f"whistle:{whistle.pk}:{key}:robot:{people.robot_id}"
    return [Draft(name, template, told, SUBJECT, whistle.pk, robot_id=people.robot_id)]


def tell_answered(act: WhistleAct, call: WhistleCall) -> None:
    """The caller, and the lead's owner, of what a department said."""
    declined = call.answer == Answer.NOT_OURS
    template = "leads.whistle_declined" if declined else "leads.whistle_answered"
    _tell_caller(act, call, f"{call.answer}:{call.pk}", template, answer=Answer(call.answer).label)


def tell_arrived(act: WhistleAct, call: WhistleCall) -> None:
    _tell_caller(act, call, f"on_site:{call.pk}", "leads.whistle_on_site")


def tell_reported(act: WhistleAct, call: WhistleCall) -> None:
    _tell_caller(act, call, f"reported:{call.pk}", "leads.whistle_reported")


def _tell_caller(act: WhistleAct, call: WhistleCall, key: str, template: str, **params: Any) -> None:
    whistle = act.whistle
    owner = act.lead.assignee_id if act.lead is not None else None
    people = {whistle.called_by_id, whistle.on_behalf_of_id, owner} - {act.by_id}
    params = {"department": call.department.name, **params}
    drafts = _to_people(people, key, template, whistle, **params)
    drafts += _to_group(whistle, act.at, key, template, **params)
    outbox.post(drafts, at=act.at)


def tell_closed(act: WhistleAct, let_go: Sequence[WhistleCall]) -> None:
    """The liaisons of departments that were still waited for."""
    liaisons = whistle_people.liaisons([call.department_id for call in let_go], act.at)
    people = {one for call in let_go for one in liaisons[call.department_id]}
    outbox.post(_to_people(people, "closed", "leads.whistle_closed", act.whistle), at=act.at)
