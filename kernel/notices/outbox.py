"""Posting: what must be told is written in the transaction of what it tells (DESIGN.md §6).

Nothing here touches a network or Redis: a row with a recipient is delivered by being there, every
other row is found by the next round of `kernel.notices.delivery`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from kernel.notices import policy, telephones, templates
from kernel.notices.policy import Urgency

_INSERT = """
INSERT INTO notices_outboxmessage (dedupe_key, recipient_id, robot_id, sms_user_id, phone_masked, sealed,
    template, params, subject_kind, subject_id, created_at, urgency, state, last_error, available_at,
    expires_at)
SELECT draft.dedupe_key, draft.recipient_id, draft.robot_id, draft.sms_user_id, draft.phone_masked,
    draft.sealed, draft.template, draft.params, draft.subject_kind, draft.subject_id, %s, draft.urgency,
    draft.state, draft.last_error, coalesce(draft.available_at, %s), draft.expires_at
FROM jsonb_to_recordset(%s::jsonb) AS draft(dedupe_key text, recipient_id bigint, robot_id bigint,
    sms_user_id bigint, phone_masked text, sealed text, template text, params jsonb, subject_kind text,
    subject_id bigint, urgency text, state text, last_error text, available_at timestamptz,
    expires_at timestamptz)
ON CONFLICT (dedupe_key) DO NOTHING
"""


@dataclass(frozen=True)
class Draft:
    """One thing to tell, to exactly one addressee.

    Attributes:
        dedupe_key: names the fact and its addressee, e.g. `lead:42:dispatched:1:user:7`.
        params: JSON values for the template; moments as ISO 8601 under names ending in `_at`; links and
            tokens as `link`, `token`, `…_link`, `…_token` (they are never masked).
        recipient_id: a person's in-app inbox.
        robot_id: a chat group.
        sms_to: a telephone that is no account (a citizen, a liaison). Number and links rest sealed and
            are thrown away once told; `kernel.notices.telephones.opened(row)` reads them until then.
            Where no gateway is configured the row ends as `dropped` (未配置短信网关).
        sms_user_id: an SMS to the telephone of an account, beside its inbox row.
        available_at: hold it back until then (not for the inbox).
        expires_at: from here on it is of no use and is dropped (not for the inbox).
        urgency: other than the template's own.
    """

    dedupe_key: str
    template: str
    params: dict[str, Any]
    subject_kind: str
    subject_id: int
    recipient_id: int | None = None
    robot_id: int | None = None
    sms_to: str | None = None
    sms_user_id: int | None = None
    available_at: datetime | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)
    urgency: Urgency | None = field(default=None, kw_only=True)


def post(drafts: Iterable[Draft], *, at: datetime) -> int:
    """Write notices, in one statement, in the caller's transaction; answers how many were new.

    A `dedupe_key` that is there already is left alone, so an act may be repeated. Telephone and identity
    numbers in `params` are masked (DOMAIN.md §7).

    Raises:
        ValueError: a template that nobody registered, or not exactly one addressee.
    """
    drafts = list(drafts)
    if not drafts:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(*insertion(drafts, at=at))
        return cursor.rowcount


def insertion(drafts: Iterable[Draft], *, at: datetime) -> tuple[str, list[Any]]:
    """The insertion of `post`, for a caller who makes it part of a statement of his own. Raises as `post`."""
    rows = json.dumps([_row(draft) for draft in drafts], cls=DjangoJSONEncoder)
    return _INSERT, [at, at, rows]


def _row(draft: Draft) -> dict[str, Any]:
    if not templates.known(draft.template):
        raise ValueError(f"nobody registered the notice template {draft.template!r}")
    addressees = (draft.recipient_id, draft.robot_id, draft.sms_to, draft.sms_user_id)
    if sum(one is not None for one in addressees) != 1:
        raise ValueError(f"notice {draft.dedupe_key!r} needs exactly one addressee")
    row = {name: value for name, value in vars(draft).items() if name != "sms_to"}
    row |= {"phone_masked": "", "sealed": "", "last_error": "", "urgency": draft.urgency or ""}
    row["state"] = "delivered" if draft.recipient_id is not None else "pending"
    if draft.sms_to is None:
        return row | {"params": policy.masked(draft.params)}
    parcel = telephones.sealed_up(draft.sms_to, draft.params)
    row |= vars(parcel)
    if not parcel.sealed:
        row |= {"state": "dropped", "last_error": telephones.NO_MOBILE}
    return row
