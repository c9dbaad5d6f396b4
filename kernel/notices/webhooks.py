"""Telling other systems: which steps, in whose form, to which addresses (DESIGN.md §6).

A step is written for every endpoint that wants it in the transaction of the step, by one INSERT … SELECT;
`kernel.notices.webhook_delivery` sends it later. Nothing here touches a network.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from psycopg2.extras import Json

from kernel import journal, sealed
from kernel.accounts.masking import mask_text
from kernel.accounts.reveal import stated
from kernel.errors import Malformed
from kernel.notices.models import WebhookDelivery, WebhookEndpoint

if TYPE_CHECKING:
    from kernel.accounts.models import User

Render = Callable[[WebhookDelivery], dict[str, Any]]
OWN_FORMAT = "suoshe"
AT_ONCE = 1000
NOT_LISTED = "接收地址的主机不在允许的名单中，请联系运维人员在服务器设置中登记。"

_formats: dict[str, tuple[str, Render]] = {}
_events: dict[str, str] = {}

INSERT = """
INSERT INTO notices_webhookdelivery
       (endpoint_id, event, subject_kind, subject_id, payload, restricted, created_at, available_at)
SELECT e.id, s.event, s.subject_kind, s.subject_id,
       CASE WHEN e.source = '' THEN s.payload ELSE s.own END, s.restricted, m.at, m.at
  FROM (SELECT %s::timestamptz AS at) m
 CROSS JOIN ROWS FROM (jsonb_to_recordset(%s::jsonb) AS (event text, subject_kind text, subject_id bigint,
            payload jsonb, own jsonb, source text, restricted boolean)) WITH ORDINALITY
            AS s(event, subject_kind, subject_id, payload, own, source, restricted, place)
  JOIN notices_webhookendpoint e
    ON e.is_active AND (cardinality(e.events) = 0 OR s.event = ANY(e.events))
   AND CASE WHEN e.source = '' THEN NOT s.restricted ELSE e.source = s.source END
 ORDER BY e.id, s.place
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one subject.

    Attributes:
        payload: for every endpoint; JSON values, no person's name, nothing that citizens wrote.
        own: for the platform `source` that handed the subject in.
        restricted: told to that platform alone.
    """

    event: str
    subject_kind: str
    subject_id: int
    payload: dict[str, Any]
    own: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    restricted: bool = False


def register_event(event: str, label: str) -> None:
    """A step that may be told. What nobody registered is never written."""
    _events[event] = label


def register_format(name: str, label: str, render: Render) -> None:
    """How a platform wants to read it: `render` makes the body of a delivery."""
    _formats[name] = (label, render)


def events() -> list[tuple[str, str]]:
    """Steps that can be chosen, with their words."""
    return list(_events.items())


def formats() -> list[tuple[str, str]]:
    """Forms that can be chosen, with their words."""
    return [(name, label) for name, (label, _) in _formats.items()]


def is_wanted(event: str) -> bool:
    """Does any address want this step? For a caller whose steps cost something to write. One statement."""
    found = WebhookEndpoint.objects.filter(is_active=True)
    return found.filter(Q(events=[]) | Q(events__contains=[event])).exists()


def insertion(steps: Sequence[Step], at: datetime) -> tuple[str, list[Any]]:
    """The statement that writes steps in their order, for a caller who makes it part of his own."""
    rows = [asdict(one) | {"own": one.own or one.payload} for one in steps]
    return INSERT, [at, Json(rows)]


def post(*steps: Step, at: datetime) -> int:
    """Write steps for every endpoint that wants them, in the caller's transaction. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(*insertion(steps, at))
        return cursor.rowcount


class Unwritable(Exception):
    """The step cannot be put into its endpoint's form: something is missing in it."""


def render(delivery: WebhookDelivery) -> dict[str, Any]:
    """The body in its endpoint's form.

    Raises:
        Unwritable: the form asks for what the step does not say.
    """
    _, made = _formats.get(delivery.endpoint.format, _formats[OWN_FORMAT])
    try:
        return made(delivery)
    except (KeyError, TypeError, ValueError) as failure:
        raise Unwritable(delivery.endpoint.format) from failure


def _own_form(delivery: WebhookDelivery) -> dict[str, Any]:
    return {"delivery": delivery.pk, "event": delivery.event, **delivery.payload}


register_format(OWN_FORMAT, "本平台格式", _own_form)

# --- addresses and secrets -------------------------------------------------------------------------


def is_listed(url: str) -> bool:
    """Does the address lie on a host that the settings name? A row can never point elsewhere."""
    try:
        given = urlsplit(url)
        origin = f"{given.scheme}://{given.netloc}".lower()
    except ValueError:
        return False
    return origin in {one.rstrip("/").lower() for one in settings.SUOSHE_WEBHOOK_HOSTS}


def refuse_address(url: str) -> None:
    """Raise Malformed `host_not_listed`."""
    if not is_listed(url):
        raise Malformed(NOT_LISTED, code="host_not_listed", attr="url")


def new_secret() -> str:
    """A secret to be shown once."""
    return secrets.token_urlsafe(32)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp and raw body, in hexadecimal: both for what comes in and what goes out."""
    return hmac.new(secret.encode(), timestamp.encode() + body, hashlib.sha256).hexdigest()


def set_secret(endpoint: WebhookEndpoint, secret: str) -> None:
    """Seal a secret into the row; the caller saves it."""
    endpoint.secret_sealed = sealed.seal_json(secret)


# --- replay ----------------------------------------------------------------------------------------


def replay(*, ids: Iterable[int], by: User, reason: str, at: datetime) -> int:
    """Send these again, given up or delivered, with all their attempts; answers how many.

    What still waits is left alone, so a second tap does nothing. Each leaves `webhook.replayed` on
    `webhook:<id>`.

    Raises:
        Refused `reason_required`: the reason is shorter than 4 or longer than 200 characters.
    """
    why = mask_text(stated(reason))
    over = [WebhookDelivery.State.DEAD, WebhookDelivery.State.DELIVERED]
    with transaction.atomic():
        rows = WebhookDelivery.objects.filter(pk__in=list(ids), state__in=over).select_for_update()
        found = list(rows.order_by("id").values_list("id", "last_error")[:AT_ONCE])
        WebhookDelivery.objects.filter(pk__in=[number for number, _ in found]).update(
            state=WebhookDelivery.State.PENDING,
            attempts=0,
            available_at=at,
            delivered_at=None,
            leased_by="",
        )
        journal.append_many(
            journal.Note(
                f"webhook:{number}", "webhook.replayed", at, {"reason": why, "last_error": error}, by
            )
            for number, error in found
        )
    return len(found)
