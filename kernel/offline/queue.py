"""The queue of one person: what came, what waits, what became of it. Who makes the operations is above."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from kernel import sealed
from kernel.accounts.models import User
from kernel.errors import Conflict
from kernel.offline import policy
from kernel.offline.models import Operation, State
from kernel.offline.policy import Step


@dataclass(frozen=True, slots=True)
class Queued:
    """One operation as the phone sent it."""

    client_uid: UUID
    path: str
    body: dict[str, Any]
    method: str = "POST"
    if_match: str = ""
    captured_at: datetime | None = None
    after: tuple[UUID, ...] = ()

    def digest(self) -> str:
        """A keyed hash: the body may name a citizen, and a bare hash of a telephone number tells it."""
        said = json.dumps(
            [self.method, self.path, self.if_match, self.body], sort_keys=True, ensure_ascii=False
        )
        key = sealed.keys()[-1].encode()
        return hmac.new(key, said.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def needs(self) -> list[UUID]:
        """What must be done before it: named by `after`, or referred to in path and body."""
        found = [*self.after, *policy.references(self.path, self.body)]
        return [uid for uid in dict.fromkeys(found) if uid != self.client_uid]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one try."""

    state: State
    status: int | None = None
    errors: Sequence[dict[str, Any]] = ()
    resource: str = ""
    resource_id: int | None = None
    version_before: int | None = None
    version_after: int | None = None


def accept(queued: Queued, *, by: User, at: datetime, skew_s: int | None) -> tuple[Operation, bool]:
    """Keep an operation; the row, and whether it is to be made now.

    A repetition of one that is done is not made again. One that failed may be sent again, also with other
    content: what hindered it may be gone. The caller holds the person's turn.

    Raises:
        Conflict: `client_uid_conflict` – it is done or waits, and came with other content.
    """
    digest = queued.digest()
    with transaction.atomic():
        earlier = Operation.objects.select_for_update().filter(user=by, client_uid=queued.client_uid).first()
        if earlier is None:
            return _insert(queued, digest, by, at, skew_s), True
        if earlier.digest != digest and earlier.state in (State.DONE, State.WAITING):
            raise Conflict(
                "该编号已用于另一项操作，内容不同。", code="client_uid_conflict", attr="client_uid"
            )
        if earlier.state == State.DONE:
            return earlier, False
        if earlier.state != State.WAITING:
            _again(earlier, queued, digest, at, skew_s)
        return earlier, True


def _columns(queued: Queued, digest: str, at: datetime, skew_s: int | None) -> dict[str, Any]:
    return {
        "digest": digest,
        "method": queued.method,
        "path": queued.path,
        "if_match": queued.if_match,
        "needs": queued.needs(),
        "sealed": sealed.seal_json(queued.body),
        "captured_at": queued.captured_at,
        "received_at": at,
        "skew_s": skew_s,
        "expires_at": at + policy.LONGEST_WAIT,
        "state": State.WAITING,
        "finished_at": None,
        "status": None,
        "errors": [],
    }


def _insert(queued: Queued, digest: str, by: User, at: datetime, skew_s: int | None) -> Operation:
    try:
        return Operation.objects.create(
            user=by, client_uid=queued.client_uid, **_columns(queued, digest, at, skew_s)
        )
    except IntegrityError as error:  # pragma: no cover – the turn is held, so nobody else inserts it
        raise Conflict("该操作正在处理。", code="client_uid_conflict", attr="client_uid") from error


def _again(row: Operation, queued: Queued, digest: str, at: datetime, skew_s: int | None) -> None:
    for name, value in _columns(queued, digest, at, skew_s).items():
        setattr(row, name, value)
    row.save()


def body_of(row: Operation) -> dict[str, Any]:
    """What a waiting operation carries. Raises `kernel.sealed.SealBroken`."""
    found: dict[str, Any] = sealed.unseal_json(row.sealed)
    return found


def finish(row: Operation, outcome: Outcome, *, at: datetime) -> None:
    """Write down what became of a try. Whatever is over keeps no body."""
    row.attempts = min(row.attempts + 1, 32_000)
    row.state, row.status, row.errors = outcome.state, outcome.status, list(outcome.errors)
    row.resource, row.resource_id = outcome.resource, outcome.resource_id
    row.version_before, row.version_after = outcome.version_before, outcome.version_after
    if outcome.state != State.WAITING:
        row.sealed, row.finished_at = "", at
    row.save()


def waiting(user_id: int, *, at: datetime) -> list[Operation]:
    """What still waits of this person, in the order in which it was done on the phone."""
    rows = Operation.objects.filter(user_id=user_id, state=State.WAITING, expires_at__gt=at)
    return sorted(rows, key=lambda row: (row.captured_at or row.received_at, row.pk))


def done(user_id: int, uids: Collection[UUID]) -> dict[UUID, int | None]:
    """Of these operations, those that are done, with the number of what they made or changed."""
    rows = Operation.objects.filter(user_id=user_id, client_uid__in=uids, state=State.DONE)
    return dict(rows.values_list("client_uid", "resource_id"))


def steps(user_id: int, resource: str) -> list[Step]:
    """What this person's queue did to a resource."""
    rows = Operation.objects.filter(
        user_id=user_id, resource=resource, state=State.DONE, version_before__isnull=False
    )
    pairs = rows.values_list("version_before", "version_after")
    return [Step(before, after) for before, after in pairs if before is not None and after is not None]


def reseal() -> tuple[int, int]:
    """Seal anew under the newest key what still waits. How many were, and how many no key opens."""
    return sealed.reseal(Operation.objects.filter(state=State.WAITING), "sealed")
