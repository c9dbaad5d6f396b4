"""Stays on tiers: entering one begins its clock, leaving it ends it (DESIGN.md §9).

The one writer of `tier`, `station`, `cycle`, `tier_since`, `due_at` and of `TierStay`. Callers hold the
dispute's lock and save the columns named in `COLUMNS` with their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from kernel import journal
from kernel.deadlines import clocks
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Limit, WorkingCalendar
from stations import consumers, policy, sessions
from stations.acts import SUBJECT, Act
from stations.models import Dispute, Station, TierStay
from stations.states import State, Tier

COLUMNS = ("tier", "station", "cycle", "tier_since", "due_at", "due_is_guessed")
"""What `enter` sets on the dispute."""


def begin(
    dispute: Dispute, *, at: datetime, limits: dict[str, Limit], calendar: WorkingCalendar
) -> list[Deadline]:
    """Set `tier_since`, `due_at` of the stay that `dispute` (tier, state, station, cycle set) now begins, and
    give its clock with the warning: not saved yet, for the caller to `arm`. Saves nothing."""
    kind = policy.clock_of(dispute.state, dispute.tier)
    dispute.tier_since = at
    if kind is None or kind == policy.PERFORM:
        raise ValueError(f"no stay begins in {dispute.state}")
    limit = limits[policy.LIMIT_OF[kind]]
    due = policy.due(limit, at, calendar, not_after=dispute.their_due_at)
    dispute.due_at, dispute.due_is_guessed = due.at, due.guessed
    return clocks.with_warning(
        limit,
        subject_kind=SUBJECT,
        subject_id=dispute.pk,
        kind=kind,
        cycle=dispute.cycle,
        armed_at=at,
        due_at=due.at,
    )


def enter(act: Act, *, tier: Tier, station: Station, state: State, why: TierStay.Why, note: str = "") -> None:
    """Leave the present stay and begin the next one: its clock runs from now, every other one is cancelled.

    From a handler of the sweep (`act.live` empty) nothing is cancelled: the clock that ran out is breached.
    """
    if act.live:
        clocks.cancel(SUBJECT, act.dispute.pk, None, at=act.at)
    enter_all([act], tier=tier, station_of=lambda _: station, state=state, why=why, note=note)


def enter_all(
    acts: Sequence[Act],
    *,
    tier: Tier,
    station_of: Callable[[Dispute], Station],
    state: State,
    why: TierStay.Why,
    note: str = "",
) -> None:
    """The same for many acts of one moment, whose clocks ran out: five statements whatever their number, and
    one more with a `note`, which is kept without the consumer."""
    if not acts:
        return
    at, disputes = acts[0].at, [act.dispute for act in acts]
    TierStay.objects.filter(dispute__in=disputes, until__isnull=True).update(until=at)
    sessions.call_off(disputes, f"纠纷已转{tier.label}")
    armed: list[Deadline] = []
    rows: list[TierStay] = []
    said: list[journal.Note] = []
    kept = consumers.hidden_of_all(disputes, note)
    for act in acts:
        dispute, words = act.dispute, kept[act.dispute.pk][:500]
        dispute.tier, dispute.station, dispute.state = tier, station_of(dispute), state
        dispute.cycle += 1
        armed += begin(dispute, at=at, limits=act.limits, calendar=act.calendar)
        rows.append(_stay(act, why, words))
        data = {"tier": tier, "station": dispute.station.code, "why": why, "note": words}
        said.append(act.told("dispute.tier_entered", {**data, "due_at": _iso(dispute.due_at)}))
    clocks.arm(armed)
    TierStay.objects.bulk_create(rows)
    journal.append_many(said)


def _stay(act: Act, why: TierStay.Why, note: str) -> TierStay:
    one = act.dispute
    return TierStay(
        dispute=one,
        cycle=one.cycle,
        tier=one.tier,
        station=one.station,
        why=why,
        note=note,
        by=act.by,
        since=act.at,
    )


def change_clock(act: Act) -> None:
    """The state changed within a stay (受理): another clock runs from now. The caller saves `COLUMNS`."""
    dispute = act.dispute
    clocks.meet(SUBJECT, dispute.pk, [policy.ACCEPT], at=act.at)
    since = dispute.tier_since
    clocks.arm(begin(dispute, at=act.at, limits=act.limits, calendar=act.calendar))
    dispute.tier_since = since


def leave_all(acts: Sequence[Act]) -> None:
    """The disputes are over: no clock runs any more, the stays end. Sets `due_at` to None. One statement for
    acts of the sweep, whose clocks ran out; one more for each other."""
    for act in acts:
        if act.live:
            clocks.cancel(SUBJECT, act.dispute.pk, None, at=act.at)
        act.dispute.due_at, act.dispute.due_is_guessed = None, False
    open_stays = TierStay.objects.filter(dispute__in=[act.dispute for act in acts], until__isnull=True)
    open_stays.update(until=acts[0].at)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
