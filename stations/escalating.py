"""转上一级: by itself when a tier's clock runs out, or on request of either party (DESIGN.md §9)."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from kernel.errors import Conflict, Refused, StaleVersion
from kernel.notices import outbox
from stations import consumers, notices, people, placing, stays
from stations.acts import Act, Expect, perform, save_all
from stations.models import Dispute, TierStay
from stations.states import Move, State, Tier, next_tier

Why = TierStay.Why
UP_COLUMNS = ("state", *stays.COLUMNS)


def escalate(*, dispute_id: int, by: User, expect: Expect, note: str) -> Dispute:
    """One party asks for the next tier, up to COMMUNITY. To the office leads only the consumer's word.
    Repeated in the same words, it is given back; who knows of the present version asks for the next tier.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `highest_tier`; Refused `reason_required`; Busy.
    """
    if not note.strip():
        raise Refused("请写明是哪一方请求转交及原因。", code="reason_required", attr="note")

    def work(act: Act) -> Dispute:
        last = TierStay.objects.filter(dispute=act.dispute, until__isnull=True).first()
        said = consumers.hidden(act.dispute, note)[:500]
        same = last is not None and (last.why, last.by_id, last.note) == (Why.ASKED, by.pk, said)
        if same and not _is_known(expect, act.dispute.version):
            return act.dispute
        act.as_handler()
        expect(act.dispute.version)
        up(act, Why.ASKED, note=note, move=Move.ESCALATE)
        act.save(*UP_COLUMNS)
        tell_entered(act)
        return act.dispute

    return perform(dispute_id, by, work)


def _is_known(expect: Expect, version: int) -> bool:
    """A repeated request carries the version from before the act that it repeats."""
    try:
        expect(version)
    except StaleVersion:
        return False
    return True


def up(act: Act, why: TierStay.Why, *, note: str = "", move: Move) -> None:
    """Enter the tier above; the caller saves `UP_COLUMNS` and then calls `tell_entered`.

    Raises: Conflict `wrong_state`, `highest_tier`.
    """
    dispute = act.dispute
    tier = next_tier(dispute.tier, has_circle=dispute.circle_id is not None)
    if tier is None:
        raise Conflict("已是社区调解，不能再转上一级；消费者要求的，可转12315。", code="highest_tier")
    act.move(move, to=State.MEDIATING)
    station = placing.of_tier(dispute, tier)
    stays.enter(act, tier=tier, station=station, state=State.MEDIATING, why=why, note=note)


def up_all(acts: Sequence[Act], why: TierStay.Why) -> None:
    """`up` for many at once whose time is over: saved, and their handlers told. The number of statements does
    not grow with theirs. Raises as `up`."""
    above: dict[Tier, list[Act]] = {}
    for act in acts:
        tier = next_tier(act.dispute.tier, has_circle=act.dispute.circle_id is not None)
        if tier is None:
            raise ValueError(f"nothing is above {act.dispute.tier}")
        act.move(Move.ESCALATE, to=State.MEDIATING)
        above.setdefault(tier, []).append(act)
    stations = placing.by_community()
    for tier, rising in above.items():
        stays.enter_all(
            rising,
            tier=tier,
            station_of=lambda one, tier=tier: placing.of_tier(one, tier, stations),  # type: ignore[misc]
            state=State.MEDIATING,
            why=why,
        )
    save_all(acts, *UP_COLUMNS)
    _tell(acts, why)


def tell_entered(act: Act) -> None:
    """The handlers of the new tier are told, never the one who did it. After the save: once per version."""
    _tell([act], TierStay.Why(TierStay.objects.filter(dispute=act.dispute).latest("cycle").why))


def _tell(acts: Sequence[Act], why: TierStay.Why) -> None:
    at = acts[0].at
    told = people.handlers([act.dispute for act in acts], at)
    drafts = []
    for act in acts:
        dispute = act.dispute
        told[dispute.pk].discard(0 if act.by is None else act.by.pk)
        key, tier = f"entered:{dispute.cycle}", Tier(dispute.tier).label
        drafts += notices.drafts("entered", told, [dispute], key=key, tier=tier, why=why.label)
    outbox.post(drafts, at=at)
