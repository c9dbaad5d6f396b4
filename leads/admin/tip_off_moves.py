"""The one act of a tip-off's own on its page: 举报核查延期."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from leads import forms_matters as ask
from leads import tip_offs
from leads.acts import Act
from leads.admin.offers import Call, Offer
from leads.models import Lead, Signature


def _extend(c: Call) -> Lead:
    return tip_offs.extend(lead_id=c.lead_id, by=c.by, expect=c.expect, reason=c.given["reason"])


def _may_extend(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    lead = act.lead
    if not lead.restricted or "extended_tip_off" in lead.flags or not act.running(tip_offs.CLOCK):
        return False
    tip_offs.refuse_extender(act)
    return True


OFFERS = (
    Offer(
        None, "more_time", ask.ExtendTipOffForm, _extend, "核查时限已延长15个工作日。",
        "举报核查只能延期一次，延长15个工作日。", act="tip-off-extend", title="举报核查延期",
        check=_may_extend,
    ),
)  # fmt: skip
