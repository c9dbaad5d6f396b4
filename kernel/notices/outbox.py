"""Posting: what must be told is written in the transaction of what it tells (DESIGN.md §6).

Nothing here touches a network or Redis: a row with a recipient is delivered by being there, a row with
a robot is found by the next round of `kernel.notices.delivery`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from kernel.notices import policy, templates

_INSERT = """
INSERT INTO notices_outboxmessage (dedupe_key, recipient_id, robot_id, template, params, subject_kind,
    subject_id, created_at, state, available_at, expires_at)
SELECT draft.dedupe_key, draft.recipient_id, draft.robot_id, draft.template, draft.params,
    draft.subject_kind, draft.subject_id, %(at)s,
    CASE WHEN draft.robot_id IS NULL THEN 'delivered' ELSE 'pending' END,
    coalesce(draft.available_at, %(at)s), draft.expires_at
FROM jsonb_to_recordset(%(drafts)s::jsonb) AS draft(dedupe_key text, recipient_id bigint, robot_id bigint,
    template text, params jsonb, subject_kind text, subject_id bigint, available_at timestamptz,
    expires_at timestamptz)
ON CONFLICT (dedupe_key) DO NOTHING
"""


@dataclass(frozen=True)
class Draft:
    """One thing to tell, to exactly one person (`recipient_id`) or one chat group (`robot_id`).

    Attributes:
        dedupe_key: names the fact and its addressee, e.g. `lead:42:dispatched:1:user:7`.
        params: JSON values for the template; moments as ISO 8601 under names ending in `_at`.
        available_at: hold it back until then (robots only).
        expires_at: from here on it is of no use to a chat group and is dropped.
    """

    dedupe_key: str
    template: str
    params: dict[str, Any]
    subject_kind: str
    subject_id: int
    recipient_id: int | None = None
    robot_id: int | None = None
    available_at: datetime | None = field(default=None, kw_only=True)
    expires_at: datetime | None = field(default=None, kw_only=True)


def post(drafts: Iterable[Draft], *, at: datetime) -> int:
    """Write notices, in one statement, in the caller's transaction; answers how many were new.

    A `dedupe_key` that is there already is left alone, so an act may be repeated. Telephone and identity
    numbers in `params` are masked (DOMAIN.md §7).

    Raises:
        ValueError: a template that nobody registered, or not exactly one addressee.
    """
    rows = [_row(draft) for draft in drafts]
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, {"drafts": json.dumps(rows, cls=DjangoJSONEncoder), "at": at})
        return cursor.rowcount


def _row(draft: Draft) -> dict[str, Any]:
    if not templates.known(draft.template):
        raise ValueError(f"nobody registered the notice template {draft.template!r}")
    if (draft.recipient_id is None) == (draft.robot_id is None):
        raise ValueError(f"notice {draft.dedupe_key!r} needs exactly one addressee")
    return {**vars(draft), "params": policy.masked(draft.params)}
