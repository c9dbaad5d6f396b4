"""Photos that come with a form: stored at once, so that a refused form loses none of them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any

from kernel import clock
from kernel.accounts.models import User
from kernel.evidence import store
from kernel.evidence.models import Evidence


def keep(files: Sequence[Any], *, by: User, seed: uuid.UUID) -> list[int]:
    """Store each file and give their numbers. The same file with the same `seed` is stored once.

    Raises:
        DomainError: what `evidence.store.receive` refuses; files before it stay stored.
    """
    return [_keep(file, by, seed) for file in files]


def _keep(file: Any, by: User, seed: uuid.UUID) -> int:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    sha256 = digest.hexdigest()
    evidence, _ = store.receive(
        file=file,
        sha256=sha256,
        client_uid=uuid.uuid5(seed, sha256),
        captured_at=None,
        place=None,
        by=by,
        at=clock.now(),
    )
    return evidence.pk


def loose(ids: Sequence[int], *, by: User) -> list[int]:
    """Of these numbers, the person's own files that belong to nothing yet, in order. One statement."""
    own = Evidence.objects.filter(pk__in=ids, uploaded_by=by, subject_kind__isnull=True)
    there = set(own.values_list("pk", flat=True))
    return [number for number in dict.fromkeys(ids) if number in there]
