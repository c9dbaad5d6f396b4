"""One batch of one person at a time: a phone that lost the answer sends again while the first still runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from kernel.errors import Busy

SPACE = 0x0FF1
"""First key of our advisory locks; the second is the person's number."""
WAIT_S = 5.0
PAUSE_S = 0.05


@contextmanager
def taken(user_id: int) -> Iterator[None]:
    """Hold this person's turn. A lock of the session, not of a transaction: every operation in the batch
    has a transaction of its own. A process that dies lets go of it.

    Raises:
        Busy: another batch of the same person has held it for five seconds (503).
    """
    until = time.monotonic() + WAIT_S
    while not _ask("SELECT pg_try_advisory_lock(%s, %s)", user_id):
        if time.monotonic() > until:
            raise Busy("上一批离线操作还在处理，请稍后再试。", code="sync_running")
        time.sleep(PAUSE_S)
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            _ask("SELECT pg_advisory_unlock(%s, %s)", user_id)


def _ask(sql: str, user_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [SPACE, user_id % 2**31])
        return bool(cursor.fetchone()[0])
