"""Other platforms: who they are, what they sign with, and what they hand in (API.md `intake/{source}`).

HMAC-SHA256 over `X-Timestamp` and the raw body. While a secret is changed the one before still opens.
Secrets rest sealed; they are shown once, where they are made, and stand in no list, log or export.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, connection, transaction

from grids.access import scope_of
from grids.roles import Role
from kernel import clock, journal, sealed
from kernel.accounts.models import User
from kernel.errors import Conflict, DomainError, Malformed, NotAllowed, NotVisible
from kernel.notices import webhooks
from kernel.notices.models import WebhookEndpoint
from leads import matters
from leads.matters import Given, Taken
from leads.models import KeptComplaint, Platform, UsedSignature

KEEPERS = frozenset({Role.BUREAU, Role.SYSTEM_ADMIN})
WINDOW = timedelta(minutes=5)
KEPT = timedelta(hours=1)
"""How long a used signature is remembered: longer than any timestamp is believed."""
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,11}")
NOBODY = "no platform signs with this"


class Unsigned(DomainError):
    """401: unknown, badly signed or too old; which of them is not told."""

    status = 401
    default_code = "unsigned"


@dataclass(frozen=True, slots=True)
class Terms:
    """What may be changed of a platform."""

    name: str
    is_active: bool = True
    hands_back: bool = False
    callback_path: str = ""


def add(*, code: str, kind: str, terms: Terms, by: User, at: datetime) -> tuple[Platform, str]:
    """A new platform with an account of its own (no posting, no password), and its secret, shown once.

    Raises:
        NotAllowed: `not_keeper`. Malformed: `invalid_code`, `host_not_listed`. Conflict: `code_taken`.
    """
    _refuse_keeper(by)
    refuse_terms(terms)
    refuse_code(code)
    secret = webhooks.new_secret()
    try:
        with transaction.atomic():
            user = User.objects.create_user(f"platform-{code}", None, name=terms.name[:40])
            platform = Platform(code=code, kind=kind, user=user, sealed_secret=sealed.seal_json(secret))
            _put(platform, terms)
            platform.save()
            _keep_endpoint(platform)
            _note(platform, "platform.added", by, at)
    except IntegrityError:
        raise Conflict("这个代码已被使用。", code="code_taken", attr="code") from None
    return platform, secret


def change(*, platform_id: int, terms: Terms, by: User, at: datetime) -> Platform:
    """Name, whether it is let in, and whether and where our steps are handed back. Raises as `add`."""
    _refuse_keeper(by)
    refuse_terms(terms)
    with transaction.atomic():
        platform = _locked(platform_id)
        _put(platform, terms)
        platform.save()
        _keep_endpoint(platform)
        _note(platform, "platform.changed", by, at)
    return platform


def change_secret(*, platform_id: int, by: User, at: datetime) -> str:
    """A new secret, shown once; the present one opens until `forget_secret_before`, so nothing is lost
    while the other side changes. What is handed back is signed with the new one at once."""
    _refuse_keeper(by)
    secret = webhooks.new_secret()
    with transaction.atomic():
        platform = _locked(platform_id)
        platform.sealed_secret_before = platform.sealed_secret
        platform.sealed_secret = sealed.seal_json(secret)
        platform.save(update_fields=["sealed_secret", "sealed_secret_before"])
        _keep_endpoint(platform)
        _note(platform, "platform.secret_changed", by, at)
    return secret


def forget_secret_before(*, platform_id: int, by: User, at: datetime) -> Platform:
    """The other side has changed: the secret before opens nothing any more. Again, it changes nothing."""
    _refuse_keeper(by)
    with transaction.atomic():
        platform = _locked(platform_id)
        if platform.sealed_secret_before:
            platform.sealed_secret_before = ""
            platform.save(update_fields=["sealed_secret_before"])
            _note(platform, "platform.secret_before_forgotten", by, at)
    return platform


def _refuse_keeper(by: User) -> None:
    if not scope_of(by).has(*KEEPERS):
        raise NotAllowed("只有市场监管局和系统管理员可以维护外部平台。", code="not_keeper")


def refuse_code(code: str) -> None:
    """Raise Malformed `invalid_code`."""
    if not CODE.fullmatch(code):
        raise Malformed("代码由小写字母、数字和短横线组成，不超过 12 位。", code="invalid_code", attr="code")


def refuse_terms(terms: Terms) -> None:
    """Raise Malformed `required`, `host_not_listed`."""
    if terms.hands_back and not terms.callback_path:
        raise Malformed("回传办理进度须填写回传地址。", code="required", attr="callback_path")
    if terms.callback_path and not webhooks.is_listed(terms.callback_path):
        raise Malformed(webhooks.NOT_LISTED, code="host_not_listed", attr="callback_path")


def _locked(platform_id: int) -> Platform:
    found = Platform.objects.select_for_update(of=("self",)).filter(pk=platform_id).first()
    if found is None:
        raise NotVisible("没有找到这个平台。")
    return found


def _put(platform: Platform, terms: Terms) -> None:
    platform.name, platform.is_active = terms.name, terms.is_active
    platform.hands_back, platform.callback_path = terms.hands_back, terms.callback_path


def _keep_endpoint(platform: Platform) -> None:
    """The one address to which its own matters' steps go, in its form, signed with its secret."""
    if not platform.callback_path:
        WebhookEndpoint.objects.filter(source=platform.code).update(is_active=False)
        return
    WebhookEndpoint.objects.update_or_create(
        source=platform.code,
        defaults={
            "name": f"{platform.name}（回传）"[:60],
            "url": platform.callback_path,
            "format": platform.kind,
            "events": [],
            "secret_sealed": platform.sealed_secret,
            "is_active": platform.is_active and platform.hands_back,
        },
    )


def _note(platform: Platform, kind: str, by: User, at: datetime) -> None:
    journal.append(stream=f"platform:{platform.pk}", kind=kind, by=by, at=at, data={"code": platform.code})


# --- what comes in ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signed:
    """One request as it arrived."""

    source: str
    timestamp: str
    signature: str
    raw: bytes


def hand_in(signed: Signed, read: Callable[[Platform], Given]) -> Taken:
    """Take what a platform hands in: prove who it is, remember the signature, take the matter; one
    transaction, so what is refused may be sent again as it was.

    Raises (beside `matters.take` and what `read` raises): Unsigned; Conflict `replay`.
    """
    with transaction.atomic():
        at = clock.now()
        platform = authentic(signed, at)
        _use(platform, signed, at)
        return matters.take(read(platform), by=platform.user, platform=platform)


def authentic(signed: Signed, at: datetime) -> Platform:
    """The platform that signed this, within five minutes by the database's clock. Raises Unsigned."""
    found = None
    if CODE.fullmatch(signed.source):
        found = Platform.objects.select_related("user").filter(code=signed.source, is_active=True).first()
    given = signed.signature.lower().encode("utf-8", "replace")
    matching = [
        hmac.compare_digest(webhooks.signature(secret, signed.timestamp, signed.raw).encode(), given)
        for secret in _secrets(found)
    ]
    if found is None or not any(matching) or not _in_time(signed.timestamp, at):
        raise Unsigned("签名校验未通过。", code="unsigned")
    return found


def _secrets(platform: Platform | None) -> list[str]:
    if platform is None:
        return [NOBODY]
    tokens = [platform.sealed_secret, platform.sealed_secret_before]
    try:
        return [str(sealed.unseal_json(token)) for token in tokens if token]
    except sealed.SealBroken:
        return [NOBODY]


def _in_time(timestamp: str, at: datetime) -> bool:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(at.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


def _use(platform: Platform, signed: Signed, at: datetime) -> None:
    """Remember the signature; the same at once waits for the first and is then refused."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_usedsignature (platform_id, signature, at) VALUES (%s, %s, %s)"
            " ON CONFLICT (platform_id, signature) DO NOTHING",
            [platform.pk, signed.signature.lower(), at],
        )
        if not cursor.rowcount:
            raise Conflict("这个请求已经收到过，重发请重新签名。", code="replay")


def forget_signatures() -> int:
    """Forget signatures whose time has passed. Safe to run twice."""
    return UsedSignature.objects.filter(at__lt=clock.now() - KEPT).delete()[0]


# --- keeping ---------------------------------------------------------------------------------------


def reseal() -> tuple[int, int]:
    """Seal anew under the newest key: platforms' secrets and consumers. How many were, and how many no key
    opens. Safe to repeat and to interrupt."""
    counts = [
        sealed.reseal(Platform.objects.all(), "sealed_secret"),
        sealed.reseal(Platform.objects.exclude(sealed_secret_before=""), "sealed_secret_before"),
        sealed.reseal(KeptComplaint.objects.exclude(sealed_consumer=None), "sealed_consumer"),
    ]
    return sum(done for done, _ in counts), sum(broken for _, broken in counts)
