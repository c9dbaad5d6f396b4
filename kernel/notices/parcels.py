"""One SMS row on its way to the gateway: whose telephone, and which words."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Value

from kernel import sealed
from kernel.clock import KernelNow
from kernel.notices import policy, sms, telephones, templates
from kernel.notices.claims import drop
from kernel.notices.failures import SendFailure
from kernel.notices.models import OutboxMessage, State

KEPT = timedelta(days=30)
FORGOTTEN = "超过 30 天未处理，号码已清除"
NO_NUMBER = "收件人没有登记手机号"
UNREADABLE = "号码无法解密"


def forget_old() -> int:
    """Give up SMS that have been dead for `KEPT` and nobody sent again; their numbers are thrown away."""
    dead = OutboxMessage.objects.of_carrier(None).filter(state=State.DEAD)
    return drop(dead.filter(failed_at__lt=KernelNow() - Value(KEPT)), FORGOTTEN)


def has_nobody(row: OutboxMessage) -> bool:
    """Is this an SMS to an account that has no mobile (or was closed)? Its inbox has the notice."""
    if row.sms_user is None:
        return False
    return not row.sms_user.is_active or telephones.mobile(row.sms_user.phone) is None


def send(row: OutboxMessage) -> None:
    """Hand one row's words to the gateway.

    Raises:
        SendFailure: see `kernel.notices.sms.send`; permanent where nobody can say to which number.
    """
    phone, params = _opened(row)
    words = templates.render_sms(row.template, params, quote=sms.defused)
    links = tuple(str(value) for name, value in params.items() if policy.is_link(name, value))
    text = sms.content(words, repeated=row.maybe_sent, links=tuple(one for one in links if one in words))
    sms.send(phone=phone, text=text, message_id=sms.message_id(row.dedupe_key))


def _opened(row: OutboxMessage) -> tuple[str, dict[str, object]]:
    if row.sms_user is not None:
        return telephones.mobile(row.sms_user.phone) or "", row.params
    try:
        inside = telephones.opened(row)
    except sealed.SealBroken:
        raise SendFailure(UNREADABLE, permanent=True, only_this=True) from None
    if not inside.phone:
        raise SendFailure(UNREADABLE, permanent=True, only_this=True)
    return inside.phone, inside.params
