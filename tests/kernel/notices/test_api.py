"""The in-app inbox over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from kernel import clock
from kernel.accounts.models import User
from kernel.notices import outbox
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import bearer, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]


def post(user: User, *numbers: int) -> list[int]:
    drafts = [
        outbox.Draft(f"n:{user.pk}:{n}", "test.told", {"number": f"XS{n}", "what": "请接单"}, "lead", n,
                     recipient_id=user.pk)
        for n in numbers
    ]  # fmt: skip
    outbox.post(drafts, at=clock.now())
    return list(OutboxMessage.objects.filter(recipient=user).order_by("id").values_list("id", flat=True))


def test_own_notices_newest_first(client: Client) -> None:
    me, other = make_user(), make_user()
    post(me, 1, 2)
    post(other, 3)
    answer = client.get("/api/v1/notices/", headers=bearer(me)).json()
    assert [n["title"] for n in answer["results"]] == ["XS2 待办", "XS1 待办"]
    newest = answer["results"][0]
    assert newest["subject"] == {"kind": "lead", "id": 2}
    assert (newest["body"], newest["read_at"]) == ("请接单", None)
    assert newest["created_at"].endswith("+08:00")


def test_pages_and_the_unread_filter(client: Client) -> None:
    me = make_user()
    ids = post(me, *range(5))
    headers = bearer(me)
    client.post(f"/api/v1/notices/{ids[0]}/read/", content_type="application/json", headers=headers)
    unread = client.get("/api/v1/notices?unread=true&page_size=3&count=exact", headers=headers).json()
    assert (unread["count"], len(unread["results"])) == (4, 3)
    rest = client.get(unread["next"], headers=headers).json()
    assert [n["id"] for n in rest["results"]] == [ids[1]]
    read = client.get("/api/v1/notices/?unread=false", headers=headers).json()
    assert [n["id"] for n in read["results"]] == [ids[0]]


def test_reading_twice_keeps_the_first_moment(client: Client) -> None:
    me = make_user()
    (number,) = post(me, 1)
    first = client.post(
        f"/api/v1/notices/{number}/read/", content_type="application/json", headers=bearer(me)
    )
    again = client.post(f"/api/v1/notices/{number}/read", content_type="application/json", headers=bearer(me))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["read_at"] == again.json()["read_at"] is not None


def test_anothers_notice_does_not_exist(client: Client) -> None:
    me, other = make_user(), make_user()
    (number,) = post(other, 1)
    for path in (number, 999_999_999, 10**30):
        answer = client.post(
            f"/api/v1/notices/{path}/read/", content_type="application/json", headers=bearer(me)
        )
        assert answer.status_code == 404
        assert answer.json()["errors"][0]["code"] == "not_found"
    assert OutboxMessage.objects.get().read_at is None


def test_unknown_fields_are_refused(client: Client) -> None:
    me = make_user()
    (number,) = post(me, 1)
    answer: Any = client.post(
        f"/api/v1/notices/{number}/read/", {"x": 1}, content_type="application/json", headers=bearer(me)
    )
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "unknown_field")


@pytest.mark.parametrize(
    ("method", "path"), [("get", "/api/v1/notices/"), ("post", "/api/v1/notices/1/read/")]
)
def test_401_without_a_token(client: Client, method: str, path: str) -> None:
    assert getattr(client, method)(path).status_code == 401


def test_the_list_takes_two_statements(client: Client, django_assert_num_queries: Any) -> None:
    me = make_user()
    post(me, *range(30))
    headers = bearer(me)
    with django_assert_num_queries(2):
        assert len(client.get("/api/v1/notices/", headers=headers).json()["results"]) == 30
