"""Identities that rest sealed beside what people told: opened, emptied when kept long enough (DOMAIN.md §7).

A lead has its reporter, a dispute of a higher app its consumer. Each is read in one place, by its `Keeping`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from kernel import clock, sealed
from kernel.deadlines import clocks
from kernel.errors import Conflict, Gone
from leads import identity
from leads.identity import Identity

FORGOTTEN_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Keeping:
    """The sealed people of one kind of matter: `rows` with `sealed` and `removed_at`, one for each `owner`.

    `called`: what refusals call the person. `nobody`, `nobody_code`: where nothing of him was told.
    `forget`: one statement that empties at most `%(most)s` of those whose matter ended `%(before)s` or
    earlier, and writes so on its journal with the moment `%(at)s`.
    """

    rows: type[Model]
    owner: str
    called: str
    nobody: str
    nobody_code: str
    forget: str

    def known(self, matter: Model) -> Identity | None:
        """Who it is, for the services that answer him; None where nobody knows, or nobody can read it."""
        return self.all_known([matter]).get(matter.pk)

    def opened(self, matter: Model) -> Identity:
        """Who it is. Raises: Conflict `nobody_code`, `seal_broken`; Gone `identity_removed`."""
        row = self._row(matter)
        if row is None:
            raise Conflict(self.nobody, code=self.nobody_code)
        if row.removed_at is not None:
            raise Gone(f"{self.called}信息已到保存期限，已清除。", code="identity_removed")
        try:
            return identity.opened(row.sealed)
        except sealed.SealBroken:
            told = f"{self.called}信息无法解密，请联系系统管理员核对密钥。"
            raise Conflict(told, code="seal_broken") from None

    def all_known(self, matters: Iterable[Model]) -> dict[int, Identity]:
        """The same of many matters, by their numbers. One statement."""
        rows: Any = self.rows._default_manager.filter(**{f"{self.owner}__in": list(matters)})
        found = {}
        for number, token in rows.filter(removed_at=None).values_list(f"{self.owner}_id", "sealed"):
            with suppress(sealed.SealBroken):
                found[number] = identity.opened(token)
        return found

    def _row(self, matter: Model) -> Any:
        return self.rows._default_manager.filter(**{self.owner: matter}).first()

    def forget_expired(self) -> int:
        """Empty the identities of matters that ended longer ago than `identity_retention`; the row stays as a
        tombstone. Any number may run at once. Returns how many were emptied."""
        emptied = 0
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                at = clock.now()
                kept_for = timedelta(minutes=clocks.limits(at)["identity_retention"].amount)
                cursor.execute(self.forget, {"before": at - kept_for, "at": at, "most": FORGOTTEN_AT_ONCE})
                emptied += cursor.rowcount
                if cursor.rowcount < FORGOTTEN_AT_ONCE:
                    return emptied

    def reseal(self) -> tuple[int, int]:
        """Seal anew under the newest key what rests under an older one. Returns how many were, and how many
        no key opens. Safe to repeat and to interrupt."""
        return sealed.reseal(self.rows._default_manager.filter(removed_at__isnull=True), "sealed")
