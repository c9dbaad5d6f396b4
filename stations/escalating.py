"""转上一级: by itself when a tier's clock runs out, or on request of either party (DESIGN.md §9)."""

from __future__ import annotations

from kernel.accounts.models import User
from kernel.errors import Conflict, Refused, StaleVersion
from kernel.notices import outbox
from stations import consumers, notices, people, placing, stays
from stations.acts import Act, Expect, perform
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
    station = dispute.circle if tier is Tier.CIRCLE else placing.community_station(dispute)
    if station is None:
        raise TypeError(f"dispute {dispute.pk} has no station on {tier}")
    stays.enter(act, tier=tier, station=station, state=State.MEDIATING, why=why, note=note)


def tell_entered(act: Act) -> None:
    """The handlers of the new tier are told, never the one who did it. After the save: once per version."""
    dispute = act.dispute
    told = people.handlers([dispute], act.at)
    told[dispute.pk].discard(0 if act.by is None else act.by.pk)
    stay = TierStay.objects.filter(dispute=dispute).latest("cycle")
    outbox.post(
        notices.drafts(
            "entered",
            told,
            [dispute],
            key=f"entered:{dispute.cycle}",
            tier=Tier(dispute.tier).label,
            why=stay.get_why_display(),
        ),
        at=act.at,
    )
