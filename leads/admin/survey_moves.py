"""电话回访经营主体 on a closed lead's page: where no citizen was asked (DOMAIN.md §5)."""

from __future__ import annotations

from collections.abc import Sequence

from kernel.accounts.models import User
from leads import forms_answers as ask
from leads import surveys
from leads.acts import Act
from leads.admin.offers import Call, Offer
from leads.models import Rating, Signature, Survey


def _ask_shop(c: Call) -> Survey:
    return surveys.record_by_telephone(
        lead_id=c.lead_id, by=c.by, rating=Rating(c.given["rating"]), comment=c.given["comment"]
    )


def _may_ask_shop(act: Act, by: User, signatures: Sequence[Signature]) -> bool:
    lead = act.lead
    if not surveys.may_ask_shop(lead) or not surveys.may_survey(by):
        return False
    return not lead.surveys.filter(round=lead.round).exists() and not surveys.is_involved(lead, by)


OFFERS = (
    Offer(
        None, "call", ask.AskShopForm, _ask_shop, "已登记电话回访。",
        "由未经手、未签字的人员回访；不满意的，转所长决定是否重新办理。", act="ask-shop",
        title="电话回访经营主体", check=_may_ask_shop,
    ),
)  # fmt: skip
