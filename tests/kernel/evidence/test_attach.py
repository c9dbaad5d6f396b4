"""Binding evidence to its subject."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from kernel import clock
from kernel.accounts.models import User
from kernel.errors import Conflict
from kernel.evidence.attach import attach
from kernel.evidence.models import Evidence
from tests.factories.accounts import make_user

pytestmark = pytest.mark.django_db


def rows(by: User, count: int) -> list[int]:
    return [
        Evidence.objects.create(
            client_uid=uuid.uuid4(), sha256="a" * 64, kind="photo", content_type="image/jpeg", size=1,
            width=1, height=1, file="x.jpg", uploaded_by=by, received_at=clock.now(),
        ).pk
        for _ in range(count)
    ]  # fmt: skip


def test_own_files_are_attached_in_one_statement(django_assert_num_queries: Any) -> None:
    me = make_user()
    first, second = rows(me, 2)
    with django_assert_num_queries(1):
        attached = attach(ids=[second, first, second], subject_kind="lead", subject_id=42, by=me)
    assert [evidence.pk for evidence in attached] == [second, first]
    assert {(e.subject_kind, e.subject_id) for e in Evidence.objects.all()} == {("lead", 42)}
    again = attach(ids=[first], subject_kind="lead", subject_id=42, by=make_user())
    assert again[0].subject_id == 42


def test_nothing_to_attach_asks_nothing(django_assert_num_queries: Any) -> None:
    me = make_user()
    with django_assert_num_queries(0):
        assert attach(ids=[], subject_kind="lead", subject_id=1, by=me) == []


@pytest.mark.parametrize("case", ["another's", "missing", "elsewhere", "other kind"])
def test_what_is_not_free_is_refused_and_nothing_attached(case: str) -> None:
    me, other = make_user(), make_user()
    (mine,) = rows(me, 1)
    (wrong,) = rows(other if case == "another's" else me, 1)
    if case in {"elsewhere", "other kind"}:
        attach(ids=[wrong], subject_kind="lead" if case == "elsewhere" else "dispute", subject_id=41, by=me)
    asked = [mine, 10**12 if case == "missing" else wrong]
    with pytest.raises(Conflict) as caught, transaction.atomic():
        attach(ids=asked, subject_kind="lead", subject_id=42, by=me)
    assert caught.value.code == "evidence_unavailable"
    assert Evidence.objects.get(pk=mine).subject_id is None


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"subject_kind": "lead"}, "subject_whole"),
        ({"lon": 116.0}, "place_whole"),
        ({"exif_lat": 36.0}, "exif_place_whole"),
        ({"sha256": "A" * 64}, "evidence_sha256"),
        ({"size": 0}, "not_empty"),
        ({"orientation": 9}, "orientation"),
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(
    change: dict[str, Any], constraint: str
) -> None:
    rows(make_user(), 1)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Evidence.objects.update(**change)
