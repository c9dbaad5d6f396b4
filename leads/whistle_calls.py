"""部门报到: what a department does with its call – answers, comes, reports (DOMAIN.md §1).

Its liaison acts by account, own or stood in; without an account its contact answers by the link of an
SMS; or the caller's side enters what was said by telephone, with the name of who said it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, Malformed, NotAllowed, Refused
from kernel.notices.policy import masked
from leads import shop_contacts, whistle_files, whistle_links, whistle_notices
from leads.acts import Expect
from leads.models import DepartmentContact, Whistle, WhistleCall, WhistleLink
from leads.whistle_acts import CLOCKS_OF, WhistleAct, perform
from leads.whistle_reminders import ANSWER, ON_SITE
from leads.whistle_states import MOVE_OF, Answer, CallMove, CallState, How
from leads.whistles import refuse_closed


@dataclass(frozen=True, slots=True)
class Word:
    """Whose word it is: which department (code; None where only one can be meant), and who said it on
    the telephone, where the caller's side enters it."""

    department: str | None = None
    said_by: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody checked in, WGS-84."""

    lon: Decimal
    lat: Decimal


@dataclass(frozen=True, slots=True)
class Standing:
    """The call that is acted on, and how its department's word comes in."""

    call: WhistleCall
    how: How
    said_by: str
    for_id: int | None


def answer(
    *, whistle_id: int, by: User, expect: Expect, answer: Answer, word: Word | None = None, note: str = ""
) -> Whistle:
    """接到 / 已派人 / 不归我管. The first answer meets the answer clock; 不归我管 cancels both, meets none.

    Saying the same again gives the whistle back, before version and state are looked at.

    Raises (beside `perform`): NotAllowed `not_department`; Malformed `department_required`,
    `said_by_required`; Refused `not_called`; Conflict `wrong_state`, `whistle_closed`; StaleVersion,
    VersionRequired.
    """

    def work(act: WhistleAct) -> Whistle:
        standing = stand(act, word or Word())
        if standing.call.answer == answer and standing.call.state != CallState.ENDED:
            return act.whistle
        expect(act.whistle.version)
        _answer(act, standing, answer, note)
        return act.whistle

    return perform(whistle_id, by, work)


def answer_by_link(*, token: str, answer: Answer, note: str, at: datetime) -> WhistleLink:
    """The same by a contact with his link: once. The same answer again gives the link back.

    Raises:
        NotVisible, Gone (`whistle_links.find`); Conflict `link_used`, `already_answered`, `wrong_state`,
        `whistle_closed`; Busy.
    """
    link = whistle_links.find(token, at)

    def work(act: WhistleAct) -> WhistleLink:
        fresh = WhistleLink.objects.select_for_update().get(pk=link.pk)
        call = next(one for one in act.calls if one.pk == link.call_id)
        if fresh.used_at is not None and call.answer == answer:
            return link
        if fresh.used_at is not None:
            raise Conflict("这个链接已经回应过，不能再改。", code="link_used")
        if call.state != CallState.CALLED:
            raise Conflict("本部门已经回应过了。", code="already_answered")
        standing = Standing(call, How.LINK, link.contact.name, None)
        _answer(act, standing, answer, note)
        WhistleLink.objects.filter(pk=link.pk).update(used_at=act.at)
        return link

    return perform(link.call.whistle_id, None, work)


def _answer(act: WhistleAct, standing: Standing, said: Answer, note: str) -> None:
    call = standing.call
    refuse_closed(act)
    act.refuse_overdue([call])
    act.move(call, MOVE_OF[said])
    call.answer = said
    _first_word(act, standing)
    call.answer_note = masked(note)
    if said == Answer.NOT_OURS:
        call.declined_at = act.at
        clocks.cancel(CLOCKS_OF, call.pk, None, at=act.at)
    else:
        clocks.meet(CLOCKS_OF, call.pk, [ANSWER], at=act.at)
    call.save()
    act.save()
    _note(act, standing, "whistle.answered", answer=said, note=note)
    whistle_notices.tell_answered(act, call)


def _first_word(act: WhistleAct, standing: Standing) -> None:
    """Who gave the first answer, and when, stays; a later one only says something else."""
    call = standing.call
    if call.answered_at is None:
        call.answered_at, call.answered_by_id = act.at, act.by_id
        call.answered_how, call.said_by = standing.how, standing.said_by


def check_in(
    *,
    whistle_id: int,
    by: User,
    expect: Expect,
    word: Word | None = None,
    place: Place | None = None,
    note: str = "",
) -> Whistle:
    """到场签到. Meets the on-site clock; who comes without having answered has answered by coming.

    Saying it again gives the whistle back. Raises as `answer` does.
    """

    def work(act: WhistleAct) -> Whistle:
        standing = stand(act, word or Word())
        call = standing.call
        if call.checked_in_at is not None:
            return act.whistle
        expect(act.whistle.version)
        refuse_closed(act)
        act.refuse_overdue([call])
        act.move(call, CallMove.CHECK_IN)
        call.answer = call.answer or Answer.DISPATCHED
        _first_word(act, standing)
        call.checked_in_at, call.checked_in_by, call.checked_in_how = act.at, by, standing.how
        call.check_in_note = masked(note)
        if place is not None:
            call.lon, call.lat = place.lon, place.lat
        clocks.meet(CLOCKS_OF, call.pk, [ANSWER, ON_SITE], at=act.at)
        call.save()
        act.save()
        shop_contacts.arrived(act.lead, call, by.pk, act.at)
        _note(act, standing, "whistle.checked_in", note=note)
        whistle_notices.tell_arrived(act, call)
        return act.whistle

    return perform(whistle_id, by, work)


def report(
    *,
    whistle_id: int,
    by: User,
    expect: Expect,
    note: str,
    word: Word | None = None,
    evidence: Sequence[int] = (),
    awaited: Sequence[str] = (),
) -> Whistle:
    """报告处置情况, by who has checked in. Reporting again gives the whistle back. Raises as `answer`
    does, and Conflict `evidence_unavailable`."""

    def work(act: WhistleAct) -> Whistle:
        standing = stand(act, word or Word())
        call = standing.call
        if call.reported_at is not None:
            return act.whistle
        expect(act.whistle.version)
        refuse_closed(act)
        act.move(call, CallMove.REPORT)
        call.reported_at, call.reported_by, call.reported_how = act.at, by, standing.how
        call.report = masked(note)
        call.save()
        hashes = whistle_files.add(act, call, ids=evidence, awaited=awaited)
        act.save()
        _note(act, standing, "whistle.reported", note=note, evidence=hashes)
        whistle_notices.tell_reported(act, call)
        return act.whistle

    return perform(whistle_id, by, work)


def _note(act: WhistleAct, standing: Standing, kind: str, **more: object) -> None:
    call = standing.call
    act.note(
        kind,
        {
            "department": call.department.code,
            "name": call.department.name,
            "how": standing.how,
            "said_by": standing.said_by if standing.how == How.TELEPHONE else "",
            "for": standing.for_id,
            "version": act.whistle.version,
            **more,
        },
    )


# --- who stands for which department -----------------------------------------------------------------


def stand(act: WhistleAct, word: Word) -> Standing:
    """Which call this person means, and by what right he acts on it.

    Raises:
        NotAllowed: `not_department` – neither the department's liaison nor the caller's side.
        Malformed: `department_required`, `said_by_required`. Refused: `not_called`.
    """
    called = {call.department.code: call for call in act.calls}
    mine = [call for call in act.calls if act.as_liaison(call) is not None]
    if word.department is not None and word.department not in called:
        raise Refused("本次吹哨没有叫这个部门。", code="not_called", attr="department")
    for call in mine:
        if word.department in (None, call.department.code) and (len(mine) == 1 or word.department):
            seat = act.as_liaison(call)
            holder = seat.holder_id if seat is not None and seat.holder_id != act.by_id else None
            return Standing(call, How.ACCOUNT, "", holder)
    if not mine and act.as_caller() is None:
        raise NotAllowed("只有被吹哨部门的联络员可以办理。", code="not_department")
    if word.department is None:
        raise Malformed("请说明是哪个部门。", code="department_required", attr="department")
    return _by_telephone(act, called[word.department], word.said_by)


def _by_telephone(act: WhistleAct, call: WhistleCall, said_by: str) -> Standing:
    act.must_be_caller()
    if not said_by:
        raise Malformed("代录须写明部门答复人。", code="said_by_required", attr="said_by")
    return Standing(call, How.TELEPHONE, masked(said_by), None)


# --- ringing up --------------------------------------------------------------------------------------


def reveal_contacts(*, whistle_id: int, by: User, department: str) -> list[DepartmentContact]:
    """A department's contacts with their whole numbers, for the caller's side of an open whistle.

    Every look leaves an entry `whistle.contacts_revealed` (who, which department; no number).

    Raises (beside `perform`): NotAllowed `not_caller`; Refused `not_called`; Conflict `whistle_closed`.
    """

    def work(act: WhistleAct) -> list[DepartmentContact]:
        act.must_be_caller()
        refuse_closed(act)
        call = next((one for one in act.calls if one.department.code == department), None)
        if call is None:
            raise Refused("本次吹哨没有叫这个部门。", code="not_called", attr="department")
        found = list(DepartmentContact.objects.active().filter(department=call.department))
        act.note(
            "whistle.contacts_revealed",
            {"department": department, "name": call.department.name, "contacts": [one.pk for one in found]},
        )
        return found

    return perform(whistle_id, by, work)
