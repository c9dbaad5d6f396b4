"""转12315: to the office, only by the consumer's word; there it is accepted or refused (DESIGN.md §9).

Only the office accepts or refuses, within 7 working days (消保法 Art. 46), on the conditions and the grounds
of the law (SAMR Order 20, 121). An accepted one is mediated until the limit of the version of the policy that
was in force at acceptance; testing does not count (`testing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.errors import Conflict, Malformed, Refused
from kernel.notices import outbox
from stations import consumers, ending, notices, people, policy, stays, telling
from stations.acts import SUBJECT, Act, Expect, perform, save_all
from stations.models import ConsumerWord, Dispute, Outcome, RefusalGround, TierStay, WordWay
from stations.states import Move, State, Tier

CONDITIONS = {
    "identified": "有明确的投诉人姓名和联系方式",
    "shop_clear": "有明确的被投诉人名称和地址",
    "claim_and_facts": "有具体的投诉请求和消费者权益争议事实",
    "competent": "属于市场监督管理部门职责，且本机关有处理权限",
    "not_handled": "未被法院、仲裁机构、其他行政机关或者调解组织受理、处理过",
    "in_time": "自知道或者应当知道权益受到侵害之日起未超过三年",
}
"""The legal conditions of acceptance (SAMR Order 20 Art. 9, 14, 15): every one is confirmed."""
NO_OFFICE = "这件纠纷还没有确定辖区市场监管所，请先由局消保科指定。"
WORD = TierStay.Why.WORD
MOST_TOLD = 50
"""Characters of the office's note in an SMS."""
FILE_COLUMNS = (
    "state",
    "round",
    "word_at",
    "filed_at",
    "ended_at",
    "ended_by",
    "outcome",
    "fail_reason",
    "withdrawal_reason",
    "end_note",
    *stays.COLUMNS,
)


def may_file(dispute: Dispute) -> bool:
    """Has the consumer said so, is there an office, and is it not there already?"""
    return dispute.word_at is not None and dispute.office_id is not None and dispute.tier != Tier.OFFICIAL


def to_official(
    *,
    dispute_id: int,
    by: User,
    expect: Expect,
    way: WordWay,
    note: str = "",
    said_at: datetime | None = None,
) -> Dispute:
    """The consumer says that the matter shall go to the office: it does, at once. His word is a row.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `no_office`; Malformed `said_at`; Busy.
    """

    def work(act: Act) -> Dispute:
        dispute = act.dispute
        if dispute.stays.filter(until__isnull=True, tier=Tier.OFFICIAL, why=WORD, by=by).exists():
            return dispute
        act.as_handler()
        expect(dispute.version)
        act.could_move(Move.TO_OFFICIAL)
        if dispute.tier == Tier.OFFICIAL:
            raise Conflict("市场监管所的调解已终止，不能再次转12315。", code="wrong_state")
        if dispute.office_id is None:
            raise Conflict(NO_OFFICE, code="no_office")
        take_word(act, way=way, note=note, said_at=said_at)
        file(act, note=note.strip())
        return dispute

    return perform(dispute_id, by, work)


def take_word(act: Act, *, way: WordWay, note: str = "", said_at: datetime | None = None) -> None:
    """Keep the consumer's word, once. Sets `word_at`; saves only the row of the word.

    Raises: Malformed `said_at`: not between registration and now.
    """
    dispute, at = act.dispute, said_at or act.at
    if not dispute.registered_at <= at <= act.at:
        raise Malformed("表示时间应在登记之后、现在之前。", code="said_at", attr="said_at")
    note = consumers.hidden(dispute, note)[:500]
    row, new = ConsumerWord.objects.get_or_create(
        dispute=dispute,
        defaults={"said_at": at, "way": way, "note": note, "entered_by": act.by},
    )
    dispute.word_at = row.said_at
    if new:
        act.note("dispute.word", {"way": way, "note": note, "said_at": at.isoformat()})


def file(act: Act, *, note: str = "", move: Move = Move.TO_OFFICIAL) -> None:
    """Enter OFFICIAL: the office has 7 working days to accept or refuse. Saves and tells the office.

    From a broken agreement `move` is BREAK. Raises: Conflict `wrong_state`.
    """
    if act.live:
        clocks.cancel(SUBJECT, act.dispute.pk, None, at=act.at)
    file_all([act], note=note, move=move)


def file_all(acts: Sequence[Act], *, note: str, move: Move = Move.TO_OFFICIAL) -> None:
    """The same for many acts of one moment, whose clocks ran out; the number of statements does not grow with
    theirs. Raises: Conflict `wrong_state`."""
    if not acts:
        return
    for act in acts:
        act.move(move, to=State.FILED)
        ending.undo(act)
        act.dispute.filed_at = act.at
    stays.enter_all(
        acts,
        tier=Tier.OFFICIAL,
        station_of=lambda dispute: dispute.station,
        state=State.FILED,
        why=WORD,
        note=note,
    )
    save_all(acts, *FILE_COLUMNS)
    at, disputes = acts[0].at, [act.dispute for act in acts]
    told = people.handlers(disputes, at)
    drafts = [
        draft for one in disputes for draft in notices.drafts("filed", told, [one], key=f"filed:{one.cycle}")
    ]
    outbox.post(drafts, at=at)


def accept(
    *, dispute_id: int, by: User, expect: Expect, conditions: frozenset[str], note: str = ""
) -> Dispute:
    """受理, where every legal condition is confirmed. Repeated by the same person it is given back.

    Raises:
        NotVisible; NotAllowed `not_office`; StaleVersion / VersionRequired; Conflict `wrong_state`,
        `no_consumer`; Refused `conditions`; Busy.
    """

    def work(act: Act) -> Dispute:
        act.as_office()
        dispute = act.dispute
        if dispute.state == State.ACCEPTED and dispute.decided_by_id == by.pk:
            return dispute
        expect(dispute.version)
        act.move(Move.ACCEPT)
        _refuse_conditions(act, conditions)
        dispute.decided_at, dispute.decided_by = act.at, by
        dispute.mediation_policy = act.limits[policy.LIMIT_OF[policy.MEDIATION]].version
        stays.change_clock(act)
        act.note(
            "dispute.accepted",
            {
                "conditions": sorted(conditions),
                "policy": dispute.mediation_policy,
                "note": consumers.hidden(dispute, note),
            },
        )
        act.save("state", "decided_at", "decided_by", "mediation_policy", *stays.COLUMNS)
        office = "" if dispute.office is None else dispute.office.name
        telling.to_consumer(act, "accepted", office=office)
        return dispute

    return perform(dispute_id, by, work)


def _refuse_conditions(act: Act, conditions: frozenset[str]) -> None:
    missing = [words for name, words in CONDITIONS.items() if name not in conditions]
    if missing or not conditions <= set(CONDITIONS):
        told = "；".join(missing) or "无法识别的条件"
        raise Refused(f"受理须逐项确认法定条件，尚缺：{told}。", code="conditions", attr="conditions")
    if consumers.identity_of(act.dispute) is None:
        raise Conflict("没有投诉人的姓名和联系方式，不符合受理条件。", code="no_consumer")


def refuse(*, dispute_id: int, by: User, expect: Expect, ground: RefusalGround, note: str = "") -> Dispute:
    """不予受理, with a ground of the legal list; the consumer is told which. Repeated, it is given back.

    Raises:
        NotVisible; NotAllowed `not_office`; StaleVersion / VersionRequired; Conflict `wrong_state`;
        Refused `reason_required` – OTHER_LAW without naming the law; Busy.
    """
    if ground == RefusalGround.OTHER_LAW and not note.strip():
        raise Refused("请写明依据的法律、法规或者规章条款。", code="reason_required", attr="note")

    def work(act: Act) -> Dispute:
        act.as_office()
        dispute = act.dispute
        if dispute.state == State.REFUSED and (dispute.decided_by, dispute.refusal_ground) == (by, ground):
            return dispute
        expect(dispute.version)
        act.could_move(Move.REFUSE)
        dispute.decided_at, dispute.decided_by = act.at, by
        ending.end(act, Move.REFUSE, Outcome.REFUSED, note=note.strip(), ground=ground)
        telling.to_consumer(act, "refused", ground=_told(ground, dispute.end_note))
        return dispute

    return perform(dispute_id, by, work)


def _told(ground: RefusalGround, note: str) -> str:
    """The ground, with what was noted: shortened, lest the SMS lose its last sentence (what he can do)."""
    said = note.rstrip("。")
    if len(said) > MOST_TOLD:
        said = f"{said[: MOST_TOLD - 1]}…"
    return RefusalGround(ground).label + (f"（{said}）" if said else "")
