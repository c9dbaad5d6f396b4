"""满意度回访 of the shop concerned, where no citizen told the lead (DOMAIN.md §5).

The single-use link goes by SMS to the register's telephone of the shop. Its words name no reporter and do
not say that there was one. Where no SMS can reach the shop, somebody uninvolved may ask it by telephone
(`surveys.record_by_telephone`).
"""

from __future__ import annotations

from django.conf import settings

from grids.models import GONE
from kernel.notices import outbox, sms, telephones, templates
from kernel.notices.models import OutboxMessage
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency
from leads import surveys
from leads.acts import Act
from leads.models import Lead, LeadReporter, Survey

TEMPLATE = "leads.shop_survey"


def open_round(act: Act) -> Survey | None:
    """Ask the shop of a lead that just closed, by SMS; the survey, or None where no link can go to it.

    Never of a tip-off (举报), nor where anybody outside the house told it, by a platform, at the desk or at
    the shop's door, named or not: then the shop hears nothing by itself. Without a gateway, or where the
    register holds no mobile or one that belongs to an account, it is left to the telephone. Three
    statements before a survey is made; repeated, it asks once.
    """
    lead = act.lead
    if lead.told_by_citizen or lead.source or not surveys.may_ask_shop(lead):
        return None
    if not (settings.SUOSHE_PUBLIC_URL and sms.configured()):
        return None
    phone = _telephone(lead)
    if phone is None or surveys.is_staff(phone):
        return None
    token = surveys.new_token()
    survey, new = surveys.ask(act, Survey.Asked.SHOP, token)
    if new:
        words = {
            "number": lead.number,
            "link": surveys.link(token),
            "expires_at": survey.expires_at.isoformat(),
        }
        key = f"survey:{survey.pk}:sms"
        outbox.post([Draft(key, TEMPLATE, words, "lead", lead.pk, sms_to=phone)], at=act.at)
    return survey


def _telephone(lead: Lead) -> str | None:
    """The mobile of a shop that still trades, of a lead that nobody outside told. One statement."""
    found = (
        Lead.objects.filter(pk=lead.pk, matter=None, tip_off_matter=None)
        .exclude(entity__status__in=GONE)
        .exclude(pk__in=LeadReporter.objects.filter(lead=lead).values("lead"))
        .values_list("entity__contact_phone", flat=True)
        .first()
    )
    return telephones.mobile(found or "")


def _still_open(message: OutboxMessage) -> bool:
    """Answered by telephone meanwhile, or taken up again: nothing is asked any more."""
    number = int(message.dedupe_key.split(":")[1])
    return Survey.objects.filter(pk=number, answered_at=None, voided_at=None).exists()


def register() -> None:
    """Register the words of the SMS (called once, at start-up)."""
    asked = (
        "对您店的检查事项（编号{number}）已经办结。"
        "请点击链接评价我们的工作（{expires_at}前有效，限评一次）：{link}"
    )
    templates.register(TEMPLATE, "满意度回访 {number}", asked, _still_open, urgency=Urgency.NEWS, sms=asked)
