"""The acts offered on a dispute's page: which form asks, which service answers, who is offered it.

What is offered is what `selectors.allowed` gives, and the telephone survey and a lead beside; the services
remain the judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grids.access import Scope
from kernel.accounts.models import User
from kernel.clock import local_date
from leads.models import Rating
from stations import (
    agreements,
    correcting,
    escalating,
    lead_made,
    official,
    reopening,
    selectors,
    sessions,
    settling,
    surveys,
    testing,
)
from stations import forms as ask
from stations.acts import Expect, handler_seat, office_seat
from stations.lead_made import Hint
from stations.models import (
    Agreement,
    Dispute,
    FailReason,
    Party,
    RefusalGround,
    Session,
    TestingKind,
    WithdrawalReason,
    WordWay,
)
from stations.sessions import Appointment


@dataclass(frozen=True, slots=True)
class Call:
    """What a service is called with. `session_id` only where the act is one on an appointment."""

    dispute_id: int
    by: User
    expect: Expect
    given: dict[str, Any]
    session_id: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """One act: its name in addresses, its button, its form and its service."""

    key: str
    label: str
    icon: str
    form: type[ask.ActForm]
    call: Callable[[Call], Any]
    done: str
    effect: str
    weighty: bool = False


def _correct(c: Call) -> Any:
    given, shop = c.given, c.given["register_code"]
    changes = {name: given[name] for name in ("goods", "goods_kind", "amount", "bought_on", "claims")}
    if shop is not None:
        changes["entity"] = shop.pk
    return correcting.correct(dispute_id=c.dispute_id, by=c.by, expect=c.expect, changes=changes)


def _settle(c: Call) -> Any:
    return settling.settle(dispute_id=c.dispute_id, by=c.by, expect=c.expect, note=c.given["note"])


def _escalate(c: Call) -> Any:
    return escalating.escalate(dispute_id=c.dispute_id, by=c.by, expect=c.expect, note=c.given["note"])


def _fail(c: Call) -> Any:
    reason = FailReason(c.given["reason"])
    return settling.fail(
        dispute_id=c.dispute_id, by=c.by, expect=c.expect, reason=reason, note=c.given["note"]
    )


def _withdraw(c: Call) -> Any:
    reason = WithdrawalReason(c.given["reason"])
    return settling.withdraw(
        dispute_id=c.dispute_id, by=c.by, expect=c.expect, reason=reason, note=c.given["note"]
    )


def _to_official(c: Call) -> Any:
    return official.to_official(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        way=WordWay(c.given["way"]),
        note=c.given["note"],
        said_at=c.given["said_at"],
    )


def _accept(c: Call) -> Any:
    return official.accept(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        conditions=frozenset(c.given["conditions"]),
        note=c.given["note"],
    )


def _refuse(c: Call) -> Any:
    ground = RefusalGround(c.given["ground"])
    return official.refuse(
        dispute_id=c.dispute_id, by=c.by, expect=c.expect, ground=ground, note=c.given["note"]
    )


def _begin_testing(c: Call) -> Any:
    return testing.begin_testing(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        kind=TestingKind(c.given["kind"]),
        institution=c.given["institution"],
    )


def _end_testing(c: Call) -> Any:
    return testing.end_testing(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        result=c.given["result"],
        ended_at=c.given["ended_at"],
    )


def _performed(c: Call) -> Any:
    return agreements.perform(
        dispute_id=c.dispute_id, by=c.by, expect=c.expect, performed=True, note=c.given["note"]
    )


def _broken(c: Call) -> Any:
    way = c.given.get("way")
    return agreements.perform(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        performed=False,
        note=c.given["note"],
        to_official=agreements.Word(WordWay(way)) if way else None,
    )


def _book(c: Call) -> Any:
    said = c.given
    given = Appointment(
        client_uid=said["client_uid"],
        mediator_id=said["mediator"],
        place=Session.Place(said["place"]),
        starts_at=said["starts_at"],
        ends_at=said["ends_at"],
        note=said["note"],
    )
    return sessions.book(dispute_id=c.dispute_id, by=c.by, expect=c.expect, given=given)


def _hold(c: Call) -> Any:
    return sessions.hold(
        session_id=c.session_id,
        by=c.by,
        expect=c.expect,
        consumer_came=c.given["consumer_came"],
        shop_came=c.given["shop_came"],
        minutes=c.given["minutes"],
    )


def _cancel(c: Call) -> Any:
    return sessions.cancel(session_id=c.session_id, by=c.by, expect=c.expect, why=c.given["why"])


def terms_of(given: dict[str, Any]) -> agreements.Terms:
    return agreements.Terms(terms=given["terms"], perform_by=given["perform_by"], amount=given["amount"])


def _agree(c: Call) -> Any:
    return agreements.agree(
        dispute_id=c.dispute_id,
        by=c.by,
        expect=c.expect,
        client_uid=c.given["client_uid"],
        given=terms_of(c.given),
        signatures={party: c.given[party.value.lower()] for party in Party if c.given[party.value.lower()]},
    )


def _lead(c: Call) -> Any:
    hint = Hint(
        client_uid=c.given["client_uid"],
        category=c.given["category"].pk,
        description=c.given["description"],
    )
    return lead_made.make_lead(dispute_id=c.dispute_id, by=c.by, given=hint)


def _survey(c: Call) -> Any:
    return surveys.record_by_telephone(
        dispute_id=c.dispute_id, by=c.by, rating=Rating(c.given["rating"]), comment=c.given["comment"]
    )


OFFERS: dict[str, Offer] = {
    offer.key: offer
    for offer in (
        Offer(
            "settle", "登记和解", "handshake", ask.SettleForm, _settle, "已登记和解。",
            "登记当日在店内和解的，计为当场和解。", weighty=True,
        ),
        Offer(
            "book", "预约调解会", "event", ask.BookForm, _book, "已预约调解会。",
            "同一调解员同一时间只能主持一场；在店内调解的，会记入入店台账。",
        ),
        Offer(
            "agree", "签订调解协议", "draw", ask.AgreeForm, _agree, "协议已签订，到期核实履行。",
            "双方自愿达成，签字后不能修改；签名只用于这份协议。", weighty=True,
        ),
        Offer(
            "perform", "登记已履行", "task_alt", ask.PerformedForm, _performed, "已登记协议履行，纠纷办结。",
            "登记后纠纷办结，并请消费者评价。", weighty=True,
        ),
        Offer(
            "broken", "登记未履行", "heart_broken", ask.BrokenForm, _broken, "已登记协议未履行。",
            "未履行记入经营者信用台账，纠纷转上一级；已到社区的，消费者要求时转12315。",
        ),
        Offer(
            "escalate", "转上一级调解", "north", ask.EscalateForm, _escalate, "已转上一级调解。",
            "到社区调解为止；只有消费者本人要求，才能转12315。",
        ),
        Offer(
            "accept", "受理", "gavel", ask.AcceptForm, _accept, "已受理。",
            "符合全部法定条件的才能受理；受理后按现行规定的期限调解，检定检测时间不计。", weighty=True,
        ),
        Offer(
            "refuse", "不予受理", "block", ask.RefuseForm, _refuse, "已登记不予受理，并告知消费者。",
            "只能选择法定情形，系统将以短信告知消费者。",
        ),
        Offer(
            "testing", "送检（暂停计时）", "science", ask.BeginTestingForm, _begin_testing, "已暂停计时。",
            "检定、检验、检测、鉴定期间不计入调解期限。",
        ),
        Offer(
            "testing-end", "检测结束", "science", ask.EndTestingForm, _end_testing, "已恢复计时。",
            "登记后调解期限继续计算。",
        ),
        Offer(
            "to-official", "转12315", "account_balance", ask.ToOfficialForm, _to_official, "已转市场监管所。",
            "须消费者本人明确表示；市场监管所在7个工作日内决定是否受理。",
        ),
        Offer(
            "fail", "登记未达成", "do_not_disturb_on", ask.FailForm, _fail, "已登记未达成。",
            "调解自愿，任何一方不愿调解都不影响信用。消费者已同意转12315的，随即转市场监管所。",
        ),
        Offer(
            "withdraw", "撤回", "undo", ask.WithdrawForm, _withdraw, "已登记撤回。",
            "由消费者提出；已签订、尚未履行的协议随之作废。",
        ),
        Offer(
            "correct", "更正登记", "edit", ask.CorrectForm, _correct, "已更正登记。",
            "前后内容都记入办理过程；关联店铺后，按该店铺重新确定商圈和市场监管所。",
        ),
        Offer(
            "lead", "转为问题线索", "add_alert", ask.LeadForm, _lead, "已转为问题线索。",
            "发现涉嫌违法的，转网格处置；不带消费者信息和证据，纠纷照常办理。",
        ),
        Offer(
            "survey", "登记电话回访", "call", ask.SurveyForm, _survey, "已登记回访。",
            "由没有经手这件纠纷的人员回访；评价不满意的，自动请求重新调解。",
        ),
        Offer(
            "hold", "登记调解记录", "edit_note", ask.HoldForm, _hold, "已登记调解记录。", "登记后不能修改。",
        ),
        Offer(
            "cancel", "取消预约", "event_busy", ask.CancelForm, _cancel, "已取消预约。",
            "取消后可以另行预约。",
        ),
    )
}  # fmt: skip
ON_A_SESSION = frozenset({"hold", "cancel"})
NAMES = {"sessions": "book", "testing/end": "testing-end"}
"""Where an act is called otherwise than its path (`selectors.allowed`)."""


def offered(dispute: Dispute, by: User, scope: Scope) -> list[Offer]:
    """The acts that `by` may do on this dispute now, in the order of its life; read with `selectors.full`.
    Two statements at most."""
    if scope.is_auditor:
        return []
    keys = {NAMES.get(name, name) for name in selectors.allowed(dispute, scope)}
    if "perform" in keys and _day_is_over(dispute, scope):
        keys.add("broken")
    if handler_seat(scope, dispute) is not None or office_seat(scope, dispute) is not None:
        keys.add("lead")
    if _may_survey(dispute, by):
        keys.add("survey")
    return [offer for offer in OFFERS.values() if offer.key in keys]


def may_act_on_sessions(dispute: Dispute, scope: Scope) -> bool:
    return handler_seat(scope, dispute) is not None


def _day_is_over(dispute: Dispute, scope: Scope) -> bool:
    """May it be entered that an agreement was not kept?"""
    waits = [one for one in dispute.agreements.all() if one.state == Agreement.State.SIGNED]
    return any(local_date(scope.at) > one.perform_by for one in waits)


def _may_survey(dispute: Dispute, by: User) -> bool:
    if dispute.ended_at is None or not surveys.may_survey(by):
        return False
    row = dispute.surveys.filter(round=dispute.round).first()
    open_ = row is not None and row.answered_at is None and row.voided_at is None
    return open_ and by.pk not in reopening.involved(dispute)
