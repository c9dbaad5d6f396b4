"""事事有回音: whoever told a lead hears what came of it (DESIGN.md §3, DOMAIN.md §5).

Closing a round (or turning a lead away) makes an answer owed, with a clock (`answer`). An SMS goes out at
once where the telephone takes one; else, or where it does not arrive, somebody calls and enters the call.
Without it the lead shows 办结未回复. The telephone comes from `reporters.identity_of` and goes into the
outbox, nowhere else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from django.db.models import Exists, OuterRef

from grids.access import scope_of
from grids.roles import DUTY_LEADER, DUTY_OFFICER, OFFICE_SIDE, Role
from grids.staffing import bureau_ids, office_people
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.errors import Conflict, Malformed, NotAllowed
from kernel.notices import outbox
from kernel.notices.models import OutboxMessage
from kernel.notices.models import State as Sending
from kernel.notices.outbox import Draft
from leads import notices, reporters, shop_surveys, snapshots, surveys
from leads.acts import Act, perform
from leads.identity import Identity
from leads.models import Answer, AnswerAttempt, AnswerState, DisposalKind, Lead, Result, Survey, Way
from leads.models.answer import ENDS, OF_CALL
from leads.states import State

log = structlog.get_logger(__name__)

CLOCK = "answer"
DONE = {
    DisposalKind.NO_PROBLEM: "经现场核查，未发现所反映的问题",
    DisposalKind.GUIDED: "已对经营者进行提醒指导，并督促其改正",
    DisposalKind.RECTIFY: "已责令经营者限期改正，并将按期复查",
    DisposalKind.LENIENCY: "已对经营者依法作出处理，并督促其改正",
    DisposalKind.PENALTY: "已对经营者依法立案查处",
    DisposalKind.HANDED_OVER: "已移交有关部门依法处理",
}
"""What was done, in one sentence that says nothing of the shop."""
TO_SHOP = "对您店的检查事项已经办结"
TURNED_AWAY = "经核实，该事项不能由本单位办理，详情可致电辖区市场监管所了解"
CALLS = frozenset(
    {*OFFICE_SIDE, DUTY_OFFICER, DUTY_LEADER, Role.GRID_WORKER, Role.COMMUNITY_HEAD, Role.BUREAU}
)
ENDED = (State.CLOSED, State.REJECTED)
EARLIEST = timedelta(minutes=1)
SETTLED_AT_ONCE = 200


def done_sentence(lead: Lead) -> str:
    """What the citizen is told of this round."""
    if lead.state == State.REJECTED:
        return TURNED_AWAY
    if lead.state == State.MERGED and lead.merged_into is not None:
        return done_sentence(lead.merged_into)
    disposal = lead.disposals.filter(round=lead.round).first()
    return DONE[DisposalKind(disposal.kind)] if disposal else "已核查处理"


def sentence_of(survey: Survey) -> str:
    """What a survey's link tells who opens it: a shop is not told what anybody said of it."""
    return TO_SHOP if survey.asked == Survey.Asked.SHOP else done_sentence(survey.lead)


def begin(act: Act) -> None:
    """The round has ended: owe the citizen an answer, ask his opinion, send both by SMS where he takes one.

    Called in the transaction that closes a lead (`lifecycle`) or turns it away (`rejection`), after its
    clocks were cancelled. A lead that nobody else told owes nothing: the shop may be asked instead. Repeated,
    it changes nothing. Who tipped us off (举报) is answered and never surveyed: no link of his lies about.
    """
    lead = act.lead
    if not lead.told_by_citizen:
        shop_surveys.open_round(act)
        return
    told = reporters.identity_of(lead)
    answer = _owe(act)
    if answer is None:
        return
    asks = lead.state == State.CLOSED and not lead.restricted
    survey, token = surveys.open_round(act, told) if asks else (None, None)
    by_sms = told is not None and told.mobile is not None
    act.note("answer.owed", {"round": lead.round, "due_at": answer.due_at.isoformat(), "sms": by_sms})
    if told is not None and by_sms:
        _send(act, answer, told, survey, token)
    else:
        _ask_to_call(act, answer, "closed")


def _owe(act: Act) -> Answer | None:
    """The answer of this round with its clock; None where it is owed or given already.

    A lead that was merged, answered and taken out again ends a second time in the same round: it is owed
    anew. The clock of a merged lead's answer is cycle 0, so that the round keeps its own.
    """
    lead, at = act.lead, act.at
    due_at = arithmetic.due(act.limits[CLOCK], at, clocks.calendar())
    answer = Answer.objects.select_for_update().filter(lead=lead, round=lead.round).first()
    if answer is not None and answer.state != AnswerState.CANCELLED:
        return None
    answer = answer or Answer(lead=lead, round=lead.round)
    answer.state, answer.owed_at, answer.due_at, answer.cancelled_at = AnswerState.OWED, at, due_at, None
    answer.save()
    cycle = 0 if lead.state == State.MERGED else lead.round
    clocks.arm([_clock(act, due_at, cycle)])
    return answer


def _clock(act: Act, due_at: datetime, cycle: int) -> Deadline:
    version = act.limits[CLOCK].version
    return clocks.running(
        "lead", act.lead.pk, CLOCK, cycle=cycle, armed_at=act.at, due_at=due_at, version=version
    )


def _send(act: Act, answer: Answer, told: Identity, survey: Survey | None, token: str | None) -> None:
    """The answer and the survey's link in one SMS, written to the outbox in this transaction."""
    lead = act.lead
    key = f"answer:{answer.pk}:sms:{int(act.at.timestamp())}"
    words = {"number": lead.number, "done": done_sentence(lead)}
    template = "leads.answer"
    if survey is not None and token is not None:
        template = "leads.answer_survey"
        words |= {"link": surveys.link(token), "expires_at": survey.expires_at.isoformat()}
    outbox.post([Draft(key, template, words, "lead", lead.pk, sms_to=told.phone)], at=act.at)
    AnswerAttempt.objects.create(
        answer=answer, way=Way.SMS, result=Result.SENDING, at=act.at, message_key=key
    )


def _ask_to_call(act: Act, answer: Answer, why: str) -> None:
    """Nobody can be reached by SMS: whoever took the report, and the office's clerks, are asked to call."""
    lead = act.lead
    outbox.post(
        notices.to_people(
            [None if lead.restricted else lead.reported_by_id, *_clerks(lead, act.at)],
            key=f"answer:{answer.pk}:{why}",
            template="leads.answer_call",
            lead_id=lead.pk,
            params={
                "number": lead.number,
                "category": lead.category.name,
                "due_at": answer.due_at.isoformat(),
            },
        ),
        at=act.at,
    )


def _clerks(lead: Lead, at: datetime) -> Sequence[int]:
    """The office's clerks, else its heads, else the bureau; of a tip-off the section named in it."""
    office = None if lead.office_id is None else office_people([lead.office_id], at)[lead.office_id]
    found = [] if office is None else office.clerk_ids or office.head_ids
    if found or not lead.restricted:
        return found or bureau_ids(at)
    from leads import tip_offs

    return tip_offs.section_people(lead.restricted_section, at)


def cancel(act: Act) -> None:
    """The lead is taken up again: what the ended round still owed is owed no more, its open survey is void.

    Called by `reopening` before the round moves on, and by `merging` where a merge is taken back: there
    the round is the same, and what he was told of the other lead is no answer to his own.
    """
    lead = act.lead
    clocks.cancel("lead", lead.pk, [CLOCK], at=act.at)
    standing = Answer.objects.filter(lead=lead, round=lead.round)
    if lead.closed_at is not None:
        standing = standing.filter(state=AnswerState.OWED)
    if standing.exclude(state=AnswerState.CANCELLED).update(
        state=AnswerState.CANCELLED, cancelled_at=act.at, answered_at=None, way=""
    ):
        act.note("answer.cancelled", {"round": lead.round})
    Survey.objects.filter(lead=lead, answered_at__isnull=True, voided_at__isnull=True).update(
        voided_at=act.at
    )


# --- calls -----------------------------------------------------------------------------------------


def record_call(
    *,
    lead_id: int,
    by: User,
    client_uid: uuid.UUID,
    result: Result,
    note: str = "",
    called_at: datetime | None = None,
) -> AnswerAttempt:
    """电话回复: enter one call to the citizen. Reached or refused, he is answered; not reached, he is not.

    The same `client_uid` with the same content gives the first entry back. Whoever sees the lead and
    serves it may enter a call; so may the identity keeper, who alone can look the number up.

    Raises:
        NotVisible; NotAllowed `not_caller`; Malformed `called_at`; Conflict `client_uid_conflict`,
        `nothing_owed`, `already_answered`; Busy.
    """
    if result not in OF_CALL:
        raise Malformed("请选择通话结果。", code="result", attr="result")
    digest = snapshots.sha256([str(client_uid), lead_id, result, note, called_at])

    def work(act: Act) -> AnswerAttempt:
        act.by = by
        earlier = AnswerAttempt.objects.filter(by=by, client_uid=client_uid).first()
        if earlier is not None:
            return _again(earlier, digest)
        _refuse_caller(act, by)
        answer = _owed(act.lead)
        at = act.at if called_at is None else called_at
        if not answer.owed_at - EARLIEST <= at <= act.at + EARLIEST:
            raise Malformed("通话时间应在办结之后、现在之前。", code="called_at", attr="called_at")
        said = _masked(act.lead, note)
        made = AnswerAttempt.objects.create(
            answer=answer,
            way=Way.CALL,
            result=result,
            at=at,
            by=by,
            client_uid=client_uid,
            content_digest=digest,
            note=said,
        )
        act.note("answer.called", {"round": answer.round, "result": result, "note": said})
        if result in ENDS:
            _give(act, answer, Way.CALL)
        return made

    return perform(lead_id, None if reporters.is_keeper(by) else by, work)


def _again(earlier: AnswerAttempt, digest: str) -> AnswerAttempt:
    if earlier.content_digest != digest:
        raise Conflict(
            "该编号已用于另一次登记，内容不同，请重新登记。", code="client_uid_conflict", attr="client_uid"
        )
    return earlier


def may_call(user: User) -> bool:
    """Does one of his postings let him enter calls? The auditor and who only looks do not."""
    scope = scope_of(user)
    return not scope.is_auditor and (scope.has(*CALLS) or scope.has(Role.IDENTITY_KEEPER))


def _refuse_caller(act: Act, by: User) -> None:
    if not may_call(by) and act.lead.reported_by_id != by.pk:
        raise NotAllowed("您不能登记电话回复。", code="not_caller")
    if scope_of(by).is_auditor:
        raise NotAllowed("审计员只能查看，不能办理。", code="not_caller")


def _owed(lead: Lead) -> Answer:
    answer = Answer.objects.select_for_update().filter(lead=lead, round=lead.round).first()
    if answer is None or answer.state == AnswerState.CANCELLED:
        raise Conflict("这条线索目前没有需要回复的反映人。", code="nothing_owed")
    if answer.state == AnswerState.ANSWERED:
        raise Conflict("已回复过反映人，无需重复登记。", code="already_answered")
    return answer


def _masked(lead: Lead, note: str) -> str:
    """What was written of a call: neither the citizen's name nor any number."""
    told = reporters.identity_of(lead)
    return (told or Identity("", "")).masked_in(note)[:500]


def _give(act: Act, answer: Answer, way: Way) -> None:
    answer.state, answer.answered_at, answer.way = AnswerState.ANSWERED, act.at, way
    answer.save(update_fields=["state", "answered_at", "way"])
    clocks.meet("lead", act.lead.pk, [CLOCK], at=act.at)


def answer_merged() -> int:
    """A lead that was merged is answered when the survivor closes, or is turned away: who told it hears too.

    Any number may run at once, and again. How many went well.
    """
    answered = Answer.objects.filter(lead=OuterRef("pk"), round=OuterRef("round")).exclude(
        state=AnswerState.CANCELLED
    )
    found = Lead.objects.filter(
        ~Exists(answered), state=State.MERGED, told_by_citizen=True, merged_into__state__in=ENDED
    )
    ids = found.order_by("id").values_list("id", flat=True)[:SETTLED_AT_ONCE]
    return _each((lead_id, _begin_merged) for lead_id in list(ids))


def _each(works: Iterable[tuple[int, Callable[[Act], None]]]) -> int:
    """Each lead in its own transaction: one that fails is logged, does not stop the rest, and is tried
    again by the next round. How many went well."""
    done = 0
    for lead_id, work in works:
        try:
            perform(lead_id, None, work)
            done += 1
        except Exception:
            log.exception("answer_not_carried_over", lead_id=lead_id)
    return done


def _begin_merged(act: Act) -> None:
    survivor = act.lead.merged_into
    if act.lead.state == State.MERGED and survivor is not None and survivor.state in ENDED:
        begin(act)


# --- what became of the SMS ------------------------------------------------------------------------


def settle_sms() -> int:
    """Carry over what became of the SMS: delivered, the citizen is answered; given up, somebody calls.

    Any number may run at once, and again. How many went well.
    """
    over = OutboxMessage.objects.filter(state__in=[Sending.DELIVERED, Sending.DROPPED, Sending.DEAD])
    waiting = (
        AnswerAttempt.objects.filter(result=Result.SENDING, message_key__in=over.values("dedupe_key"))
        .order_by("id")
        .values_list("id", "answer__lead_id")[:SETTLED_AT_ONCE]
    )
    return _each((lead_id, partial(_settle, attempt_id=attempt_id)) for attempt_id, lead_id in list(waiting))


def _settle(act: Act, *, attempt_id: int) -> None:
    attempt = AnswerAttempt.objects.select_for_update().select_related("answer").get(pk=attempt_id)
    if attempt.result != Result.SENDING:
        return
    state = OutboxMessage.objects.values_list("state", flat=True).get(dedupe_key=attempt.message_key)
    attempt.result = Result.DELIVERED if state == Sending.DELIVERED else Result.FAILED
    attempt.save(update_fields=["result"])
    answer = attempt.answer
    if answer.state != AnswerState.OWED:
        return
    act.note(f"answer.sms_{attempt.result}", {"round": answer.round})
    if attempt.result == Result.DELIVERED:
        _give(act, answer, Way.SMS)
    else:
        _ask_to_call(act, answer, "sms_failed")
