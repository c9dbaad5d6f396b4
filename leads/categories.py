"""Keeping the lead catalogue: the bureau changes names, spoken words and activity, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from grids.access import scope_of
from grids.roles import Role
from kernel import journal
from kernel.accounts.models import User
from kernel.errors import Conflict, Malformed, NotAllowed
from leads.catalogue import UNSORTED
from leads.models import Category


def change(
    *, code: str, name: str, words: Sequence[str], is_active: bool, by: User, at: datetime
) -> Category:
    """Change one category. The row is locked; severity, food and section are rules and stay.

    Raises:
        NotAllowed: `not_bureau`.
        Malformed: the name is empty.
        Conflict: `unsorted_needed` – 00 说不清 cannot be switched off (DOMAIN.md §6).
    """
    if not scope_of(by).has(Role.BUREAU):
        raise NotAllowed("只有市场监管局可以修改线索分类。", code="not_bureau")
    if not name.strip():
        raise Malformed("请填写分类名称。", code="name_required", attr="name")
    if code == UNSORTED and not is_active:
        raise Conflict(
            "“说不清”不能停用：说不清分类的线索要有去处。", code="unsorted_needed", attr="is_active"
        )
    with transaction.atomic():
        row = Category.objects.select_for_update().get(pk=code)
        before = {"name": row.name, "words": row.words, "is_active": row.is_active}
        row.name, row.words, row.is_active = name.strip(), list(words), is_active
        after = {"name": row.name, "words": row.words, "is_active": row.is_active}
        if before != after:
            row.save(update_fields=["name", "words", "is_active"])
            journal.append(
                stream=f"category:{code}",
                kind="category.changed",
                by=by,
                at=at,
                data={"before": before, "after": after},
            )
        return row
