"""调解会: appointments, and the minutes of what was said (DESIGN.md §9).

Minutes are written once. A meeting in the shop is an entry into it (`EntityContact`), like any other.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError

from grids import contacts
from grids.contacts import Contact
from grids.models import Purpose
from kernel.accounts.models import User
from kernel.errors import Conflict, NotVisible, Refused
from stations import consumers
from stations.acts import BIGGEST, Act, Expect, handler_seat_of, once_per_uid, perform
from stations.models import Dispute, Session
from stations.states import TALKING

LONGEST = timedelta(hours=8)
FARTHEST = timedelta(days=90)
UNKNOWN = "没有找到这次调解会，或者您无权查看。"


@dataclass(frozen=True, slots=True)
class Appointment:
    """When and where the parties meet. `client_uid` names the request: sent again, it is the same."""

    client_uid: uuid.UUID
    mediator_id: int
    place: Session.Place
    starts_at: datetime
    ends_at: datetime
    note: str = field(default="", repr=False)


def book(*, dispute_id: int, by: User, expect: Expect, given: Appointment) -> Session:
    """预约调解会. A mediator is at one place at a time.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `client_uid_conflict`,
        `wrong_state`, `mediator_busy`; Refused `past`, `too_far`, `too_long`, `not_a_mediator`; Busy.
    """

    def work(act: Act) -> Session:
        earlier = Session.objects.filter(made_by=by, client_uid=given.client_uid).first()
        if earlier is not None:
            return _again(earlier, act.dispute, given)
        act.as_handler()
        expect(act.dispute.version)
        _refuse(act, given)
        row = Session.objects.create(
            dispute=act.dispute,
            station=act.dispute.station,
            client_uid=given.client_uid,
            mediator_id=given.mediator_id,
            place=given.place,
            starts_at=given.starts_at,
            ends_at=given.ends_at,
            note=consumers.hidden(act.dispute, given.note)[:500],
            made_by=by,
            made_at=act.at,
        )
        told = {"session": row.pk, "starts_at": row.starts_at.isoformat(), "place": row.place}
        act.note("dispute.session_booked", {**told, "mediator": row.mediator_id, "note": row.note})
        act.save()
        return row

    try:
        return once_per_uid(lambda: perform(dispute_id, by, work), "stations_session_one_client_uid")
    except IntegrityError as error:
        if "stations_session_mediator_at_one_place" not in str(error):
            raise
        raise Conflict("该调解员在这段时间已有预约，请另选时间。", code="mediator_busy") from error


def _again(earlier: Session, dispute: Dispute, given: Appointment) -> Session:
    same = (
        earlier.dispute_id,
        earlier.mediator_id,
        earlier.place,
        earlier.starts_at,
        earlier.ends_at,
    ) == (dispute.pk, given.mediator_id, given.place, given.starts_at, given.ends_at)
    if not same:
        raise Conflict(
            "该编号已用于另一次预约，内容不同，请重新预约。", code="client_uid_conflict", attr="client_uid"
        )
    return earlier


def _refuse(act: Act, given: Appointment) -> None:
    if act.dispute.state not in TALKING:
        raise Conflict("纠纷目前不在协商、调解中，不能预约调解会。", code="wrong_state")
    if given.starts_at < act.at:
        raise Refused("预约时间必须晚于现在。", code="past", attr="starts_at")
    if given.starts_at > act.at + FARTHEST:
        raise Refused("预约时间请在90日以内。", code="too_far", attr="starts_at")
    if not timedelta() < given.ends_at - given.starts_at <= LONGEST:
        raise Refused("调解会时长应在8小时以内，结束晚于开始。", code="too_long", attr="ends_at")
    found = User.objects.filter(pk=min(given.mediator_id, BIGGEST), is_active=True).first()
    if found is None or handler_seat_of(found, act.dispute) is None:
        raise Refused("请选择承办服务站（所）的人员主持调解。", code="not_a_mediator", attr="mediator")


def hold(
    *, session_id: int, by: User, expect: Expect, consumer_came: bool, shop_came: bool, minutes: str
) -> Session:
    """登记调解记录, once, after it began. The consumer's name and number are masked in it. Repeated, it is
    given back.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `session_over`,
        `not_begun`; Refused `minutes_required`; Busy.
    """
    if not minutes.strip():
        raise Refused("请填写调解记录。", code="minutes_required", attr="minutes")

    def work(act: Act) -> Session:
        row = Session.objects.select_for_update().get(pk=session_id)
        said = consumers.hidden(act.dispute, minutes.strip())
        if row.state == Session.State.HELD and (row.minutes, row.consumer_came, row.shop_came) == (
            said,
            consumer_came,
            shop_came,
        ):
            return row
        act.as_handler()
        expect(act.dispute.version)
        _refuse_over(row)
        if row.starts_at > act.at:
            raise Conflict("调解会尚未开始，不能登记记录。", code="not_begun")
        row.state, row.held_at, row.minutes = Session.State.HELD, act.at, said
        row.consumer_came, row.shop_came = consumer_came, shop_came
        row.save(update_fields=["state", "held_at", "minutes", "consumer_came", "shop_came"])
        _enter_shop(act, row)
        came = {"consumer_came": consumer_came, "shop_came": shop_came}
        act.note("dispute.session_held", {"session": row.pk, **came})
        act.save()
        return row

    return perform(_dispute_of(session_id, by), by, work)


def cancel(*, session_id: int, by: User, expect: Expect, why: str) -> Session:
    """取消预约. Repeated, it is given back.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `session_over`;
        Refused `reason_required`; Busy.
    """
    if not why.strip():
        raise Refused("请填写取消原因。", code="reason_required", attr="why")

    def work(act: Act) -> Session:
        row = Session.objects.select_for_update().get(pk=session_id)
        said = consumers.hidden(act.dispute, why.strip())[:200]
        if row.state == Session.State.CANCELLED and row.cancelled_why == said:
            return row
        act.as_handler()
        expect(act.dispute.version)
        _refuse_over(row)
        row.state, row.cancelled_why = Session.State.CANCELLED, said
        row.save(update_fields=["state", "cancelled_why"])
        act.note("dispute.session_cancelled", {"session": row.pk, "why": row.cancelled_why})
        act.save()
        return row

    return perform(_dispute_of(session_id, by), by, work)


def dispute_of(session_id: int, by: User) -> int | None:
    """The dispute of an appointment, where `by` may see it. One statement."""
    rows = Session.objects.filter(pk=min(session_id, BIGGEST))
    seen = rows.filter(dispute__in=Dispute.objects.visible_to(by).values("id"))
    return seen.values_list("dispute_id", flat=True).first()


def _dispute_of(session_id: int, by: User) -> int:
    found = dispute_of(session_id, by)
    if found is None:
        raise NotVisible(UNKNOWN)
    return found


def _refuse_over(row: Session) -> None:
    if row.state != Session.State.PLANNED:
        raise Conflict(f"这次调解会{row.get_state_display()}，不能再改。", code="session_over")


def _enter_shop(act: Act, row: Session) -> None:
    if row.place == Session.Place.SHOP and act.dispute.entity_id is not None:
        contacts.record(
            [
                Contact(
                    act.dispute.entity_id,
                    Purpose.MEDIATION,
                    row.mediator_id,
                    row.starts_at,
                    f"session:{row.pk}",
                    note=f"消费纠纷 {act.dispute.number}",
                )
            ]
        )


def call_off(disputes: Sequence[Dispute], why: str = "纠纷已办结") -> None:
    """Disputes are over, or others handle them now: what was booked is not held any more, and the mediator is
    free. In the transaction of the move. One statement."""
    planned = Session.objects.filter(dispute__in=disputes, state=Session.State.PLANNED)
    planned.update(state=Session.State.CANCELLED, cancelled_why=why)
