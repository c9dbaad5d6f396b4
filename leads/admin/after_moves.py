"""The acts offered on a lead's page: side roads that need no approval, and the time after closing."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from kernel.deadlines import policy as arithmetic
from leads import (
    case_numbers,
    interim,
    look_backs,
    merging,
    rechecks,
    recusal,
    referral,
    reopening,
    selectors,
    settling,
)
from leads import forms_after as ask
from leads.acts import Act
from leads.admin.offers import Call, Offer
from leads.lifecycle import Outcome
from leads.models import DisposalKind, Lead, LookBack, Recheck, Signature
from leads.states import Move, State
from leads.verifiers import verifier

Signed = Sequence[Signature]


def _settle(c: Call) -> Lead:
    outcome = Outcome(DisposalKind(c.given["kind"]), c.given["note"])
    return settling.settle(lead_id=c.lead_id, by=c.by, expect=c.expect, outcome=outcome, evidence=c.evidence)


def _interim(c: Call) -> Lead:
    due_at = arithmetic.end_of_day(c.given["final_due_on"])
    said = interim.Interim(c.given["done"], c.given["remaining"], due_at)
    return interim.give(lead_id=c.lead_id, by=c.by, expect=c.expect, interim=said)


def _recuse(c: Call) -> Lead:
    return recusal.recuse(lead_id=c.lead_id, by=c.by, expect=c.expect, reason=c.given["reason"])


def _merge(c: Call) -> Lead:
    return merging.merge(
        lead_id=c.lead_id, by=c.by, expect=c.expect, into_id=c.given["into"], reason=c.given["reason"]
    )


def _unmerge(c: Call) -> Lead:
    return merging.unmerge(lead_id=c.lead_id, by=c.by, expect=c.expect, reason=c.given["reason"])


def _receipt(c: Call) -> Lead:
    return referral.enter_receipt(lead_id=c.lead_id, by=c.by, expect=c.expect, number=c.given["number"])


def _reply(c: Call) -> Lead:
    return referral.enter_reply(lead_id=c.lead_id, by=c.by, expect=c.expect, text=c.given["reply"])


def _case_number(c: Call) -> Lead:
    return case_numbers.enter(lead_id=c.lead_id, by=c.by, expect=c.expect, number=c.given["case_number"])


def _correct(c: Call) -> Lead:
    return rechecks.correct(
        lead_id=c.lead_id, by=c.by, expect=c.expect, note=c.given["note"], evidence=c.evidence
    )


def _recheck(c: Call) -> Lead:
    return rechecks.recheck(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        passed=c.given["passed"],
        note=c.given["note"],
        evidence=c.evidence,
        countersigner_id=c.given["countersigned_by"],
    )


def _countersign(c: Call) -> Lead:
    return rechecks.countersign(
        lead_id=c.lead_id, by=c.by, expect=c.expect, agree=c.given["agree"], note=c.given["note"]
    )


def _reopen(c: Call) -> Lead:
    return reopening.reopen(lead_id=c.lead_id, by=c.by, expect=c.expect, reason=c.given["reason"])


def _any_version(version: int) -> None:
    """The row that was shown is named by its number, and what is over is refused."""


def _look_back(c: Call) -> LookBack:
    return look_backs.complete(
        look_back_id=c.given["look_back"],
        by=c.by,
        expect=_any_version,
        passed=c.given["passed"],
        note=c.given["note"],
        evidence=c.evidence,
    )


# --- who is offered it -----------------------------------------------------------------------------


def may_settle(act: Act, by: User, signatures: Signed) -> bool:
    settling.refuse(act.lead)
    act.as_owner()
    return True


def may_give_interim(act: Act, by: User, signatures: Signed) -> bool:
    act.as_owner()
    return act.lead.same_day_due_at is None or act.lead.controlled_at is not None


def may_recuse(act: Act, by: User, signatures: Signed) -> bool:
    return act.lead.assignee_id == by.pk and not act.recused


def may_merge(act: Act, by: User, signatures: Signed) -> bool:
    merging.refuse_merger(act)
    return bool(selectors.possible_duplicates(act.lead, by))


def may_unmerge(act: Act, by: User, signatures: Signed) -> bool:
    merging.refuse_merger(act)
    return True


def _referred(act: Act) -> bool:
    kinds = {d.kind for d in act.lead.disposals.filter(round=act.lead.round)}
    return DisposalKind.HANDED_OVER in kinds and act.lead.state in (State.FED_BACK, State.CLOSED)


def may_enter_receipt(act: Act, by: User, signatures: Signed) -> bool:
    if act.lead.handed_over_at is not None or not _referred(act):
        return False
    referral.refuse_registrar(act)
    return True


def may_enter_reply(act: Act, by: User, signatures: Signed) -> bool:
    if act.lead.handed_over_at is None:
        return False
    referral.refuse_registrar(act)
    row = referral.of_round(act.lead)
    return row is not None and row.reply_at is None


def may_number_case(act: Act, by: User, signatures: Signed) -> bool:
    return act.lead.state in (State.FED_BACK, State.CLOSED) and not case_numbers.of(case_numbers.refuse(act))


def _to_rectify(act: Act) -> bool:
    lead = act.lead
    if lead.state not in (State.FED_BACK, State.CLOSED) or lead.cleared_at is not None:
        return False
    return rechecks.rectification(lead) is not None


def may_correct(act: Act, by: User, signatures: Signed) -> bool:
    if not _to_rectify(act):
        return False
    if act.as_worker() is None:
        rechecks.rechecker(act)
    return True


def may_recheck(act: Act, by: User, signatures: Signed) -> bool:
    if not _to_rectify(act):
        return False
    rechecks.rechecker(act)
    return not Recheck.objects.filter(lead=act.lead, round=act.lead.round).exists()


def may_countersign(act: Act, by: User, signatures: Signed) -> bool:
    if not _to_rectify(act):
        return False
    row = Recheck.objects.filter(lead=act.lead, round=act.lead.round, state=Recheck.State.WAITING).first()
    if row is None:
        return False
    rechecks.countersigner(act, row)
    return True


def may_reopen(act: Act, by: User, signatures: Signed) -> bool:
    reopening.refuse_head(act)
    return True


def may_look_back(act: Act, by: User, signatures: Signed) -> bool:
    if act.lead.state != State.CLOSED or act.lead.cleared_at is None:
        return False
    look_backs.inspector(act)
    return LookBack.objects.waiting().filter(lead=act.lead).exists()


def may_recuse_verifying(act: Act, by: User, signatures: Signed) -> bool:
    if act.lead.state != State.FED_BACK:
        return False
    verifier(act)
    return True


OFFERS: tuple[Offer, ...] = (
    Offer(
        Move.SETTLE, "bolt", ask.SettleForm, _settle, "已即知即改，等待网格员核验。",
        "一次完成接单、现场处置和反馈，即代表监管所签字“已接收，由我办理”“处置情况属实”。",
        weighty=True, check=may_settle,
    ),
    Offer(
        Move.INTERIM, "hourglass_bottom", ask.InterimForm, _interim, "已提交阶段反馈。",
        "阶段反馈后停止反馈计时，按承诺时间完成完整反馈；不签字。", check=may_give_interim,
    ),
    Offer(
        Move.MERGE, "merge", ask.MergeForm, _merge, "已并单。",
        "并单后与保留线索一并办理，时限从早：较早的时限已过的，保留线索随即计超时。可以撤销。",
        check=may_merge,
    ),
    Offer(
        Move.UNMERGE, "call_split", ask.UnmergeForm, _unmerge, "已撤销并单。",
        "撤销后恢复原来的状态和时限，已过的时限立即计为超时。", check=may_unmerge,
    ),
    Offer(
        Move.RECUSE, "do_not_disturb_on", ask.RecuseForm, _recuse, "已登记回避，线索已转他人承办。",
        "登记后转由B角、值班员或所内承办，您不能再办理或签字。", check=may_recuse,
    ),
    Offer(
        None, "do_not_disturb_on", ask.RecuseForm, _recuse, "已登记回避。",
        "登记后由其他网格员核验，您不能再签字。",
        act="recuse-verifying", title="回避核验", check=may_recuse_verifying,
    ),
    Offer(
        None, "mark_email_read", ask.ReceiptForm, _receipt, "已登记移交回执。",
        "登记后计为已移交，10个工作日内催要答复。",
        act="receipt", title="登记移交回执", check=may_enter_receipt,
    ),
    Offer(
        None, "forum", ask.ReplyForm, _reply, "已登记移交答复。", "登记后停止催要答复。",
        act="reply", title="登记移交答复", check=may_enter_reply,
    ),
    Offer(
        None, "tag", ask.CaseNumberForm, _case_number, "已登记案件编号。",
        "已立案查处、反馈时还没有编号的，在这里补登一次。",
        act="case-number", title="补登案件编号", check=may_number_case,
    ),
    Offer(
        None, "photo_camera", ask.CorrectionForm, _correct, "已提交整改证明。",
        "期限内提交的计为按期整改。", act="correction", title="提交整改证明", check=may_correct,
    ),
    Offer(
        Move.RECHECK, "fact_check", ask.RecheckForm, _recheck, "已登记复查。",
        "整改到位的，网格员会签后销号并安排回头看；未到位的，立即进入新的一轮。",
        weighty=True, check=may_recheck,
    ),
    Offer(
        None, "how_to_reg", ask.CountersignForm, _countersign, "已会签。",
        "同意即销号，并自动安排回头看；不同意即进入新的一轮。",
        weighty=True, act="countersign", title="复查会签", check=may_countersign,
    ),
    Offer(
        None, "history", ask.LookBackForm, _look_back, "已登记回头看。",
        "反弹的，线索提高一级严重程度重新办理。",
        weighty=True, act="look-back", title="回头看", check=may_look_back,
    ),
    Offer(
        Move.REOPEN, "restart_alt", ask.ReopenForm, _reopen, "已重新办理。",
        "线索进入新的一轮，重新计算反馈时限；原来的超时不变。", check=may_reopen,
    ),
)  # fmt: skip
