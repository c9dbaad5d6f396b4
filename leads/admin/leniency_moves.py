"""The acts of leniency offered on a lead's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kernel.accounts.models import User
from leads import forms_leniency as ask
from leads import leniency, lifecycle
from leads.acts import Act
from leads.admin.offers import Call, Offer
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Guidance,
    Harm,
    Lead,
    LeniencyDecision,
    LeniencyResult,
    Route,
    Signature,
)
from leads.states import Move, State


def _propose(c: Call) -> Lead:
    given = c.given
    proposal = Proposal(
        route=Route(given["route"]),
        result=LeniencyResult(given["result"]),
        harm=Harm(given["harm"]),
        corrected_at=given["corrected_at"],
        proof=given["proof"],
        guidance=given["guidance"],
    )
    outcome = Outcome(DisposalKind.LENIENCY, given["note"], leniency=proposal)
    return lifecycle.feed_back(
        lead_id=c.lead_id, by=c.by, expect=c.expect, outcome=outcome, evidence=c.evidence
    )


def _sign(c: Call) -> Lead:
    return leniency.sign(
        lead_id=c.lead_id,
        by=c.by,
        expect=c.expect,
        card_number=c.given["card_number"],
        form_number=c.given["form_number"],
    )


def _may_propose(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    act.as_owner()
    lead = act.lead
    return not lead.restricted and lead.entity_id is not None


def _may_sign(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    if act.lead.state != State.FED_BACK:
        return False
    leniency.refuse_officer(act, by)
    decision = leniency.of_round(act.lead)
    if decision is None or decision.state != LeniencyDecision.State.DECIDED:
        return False
    if any(s.signer_id == by.pk and s.side != "office" for s in signatures):
        return False
    return not decision.officers.filter(officer=by).exists()


OFFERS = (
    Offer(
        Move.FEED_BACK, "handshake", ask.ProposeForm, _propose, "已提出容错纠错，等待审批。",
        "提出即反馈，代表监管所签字“处置情况属实”；经所长同意、法规科审核、局领导决定后由两名执法人员签字。",
        act="propose_leniency", title="提出容错纠错", check=_may_propose,
    ),
    Offer(
        None, "draw", ask.SignForm, _sign, "已签字。",
        "两名执法人员签字并填写审批表编号后，决定生效，核验时限恢复计算。",
        weighty=True, act="leniency_sign", title="容错纠错签字", check=_may_sign,
    ),
)  # fmt: skip


def sections(lead: Lead, kinds: set[str], say: Any) -> dict[str, Any]:
    """What the lead's page shows of guidance and leniency. One statement; more where there is a decision."""
    from leads.admin.after_shown import Item

    given = Guidance.objects.filter(lead=lead).select_related("by").order_by("id")
    items = [Item(g.get_kind_display(), "", "info", g.by.name, g.at, say(g.note)) for g in given]
    decisions: list[Item] = []
    if DisposalKind.LENIENCY in kinds:
        rows = lead.leniencies.select_related("by").prefetch_related("officers__officer").order_by("id")
        decisions = [_item(row, say) for row in rows]
    return {"guidance_given": items, "leniencies": decisions}


def _item(row: LeniencyDecision, say: Any) -> Any:
    from leads.admin.after_shown import Item

    state = LeniencyDecision.State
    tones = {state.COMPLETED: "success", state.REFUSED: "danger"}
    officers = "、".join(f"{one.officer.name}（{one.card_number}）" for one in row.officers.all())
    parts = [
        row.get_route_display(),
        f"拟作决定：{row.get_result_display()}，{row.get_harm_display()}",
        "系统查询为初次" if row.is_first else "系统查询不是初次",
        say(row.proof),
        f"审批表编号：{row.form_number}" if row.form_number else "",
        f"签字：{officers}" if officers else "",
    ]
    return Item(
        f"第 {row.round} 轮",
        row.get_state_display(),
        tones.get(state(row.state), "warning"),
        row.by.name,
        row.at,
        "\n".join(part for part in parts if part),
    )
