"""Posting, and what the database holds about rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from kernel import clock
from kernel.notices import outbox, selectors
from kernel.notices.models import OutboxMessage, State
from tests.factories.accounts import make_user
from tests.kernel.notices.conftest import make_robot, tell, text_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]

DRAFT: dict[str, Any] = {
    "dedupe_key": "lead:1:told", "template": "test.told", "params": {}, "subject_kind": "lead",
    "subject_id": 1,
}  # fmt: skip


def test_post_is_one_statement_and_repeats_are_left_alone(django_assert_num_queries: Any) -> None:
    user, robot, at = make_user(), make_robot(), clock.now()
    drafts = [
        outbox.Draft(**{**DRAFT, "dedupe_key": "a"}, recipient_id=user.pk),
        outbox.Draft(**{**DRAFT, "dedupe_key": "b"}, robot_id=robot.pk),
    ]
    with django_assert_num_queries(1):
        assert outbox.post(drafts, at=at) == 2
    assert outbox.post(drafts, at=at + timedelta(hours=1)) == 0
    inbox, group = OutboxMessage.objects.order_by("dedupe_key")
    assert (inbox.state, inbox.recipient_id, inbox.created_at) == (State.DELIVERED, user.pk, at)
    assert (group.state, group.robot_id, group.available_at) == (State.PENDING, robot.pk, at)


def test_posting_nothing_asks_nothing(django_assert_num_queries: Any) -> None:
    at = clock.now()
    with django_assert_num_queries(0):
        assert outbox.post([], at=at) == 0


def test_params_are_masked_on_the_way_in() -> None:
    outbox.post([outbox.Draft(**{**DRAFT, "params": {"what": "找13812345678"}}, recipient_id=make_user().pk)],
                at=clock.now())  # fmt: skip
    assert OutboxMessage.objects.get().params == {"what": "找138****5678"}


@pytest.mark.parametrize(
    "addressees",
    [
        {},
        {"recipient_id": 1, "robot_id": 1},
        {"robot_id": 1, "sms_to": "13800005678"},
        {"sms_user_id": 1, "recipient_id": 1},
    ],
)
def test_exactly_one_addressee(addressees: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="addressee"):
        outbox.post([outbox.Draft(**DRAFT, **addressees)], at=clock.now())


def test_an_unknown_template_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="registered"):
        outbox.post([outbox.Draft(**{**DRAFT, "template": "nobody"}, recipient_id=1)], at=clock.now())


def test_set_based_sql_may_leave_defaults_out() -> None:
    user, robot = make_user(), make_robot()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO notices_outboxmessage
            (dedupe_key, recipient_id, robot_id, template, params, subject_kind, subject_id, created_at,
             state)
            VALUES ('x', %s, NULL, 'test.told', '{}', 'lead', 1, kernel_now(), 'delivered'),
                   ('y', NULL, %s, 'test.told', '{}', 'lead', 1, kernel_now(), DEFAULT)""",
            [user.pk, robot.pk],
        )
    assert OutboxMessage.objects.get(dedupe_key="y").state == State.PENDING


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'delivered'", "delivered_at"),
        ("delivered_at = now()", "delivered_at"),
        ("state = 'lost'", "known_state"),
        ("robot_id = NULL", "one_addressee"),
        ("phone_masked = '138****5678'", "one_addressee"),
        ("sealed = 'x'", "seal_of_a_phone"),
        ("urgency = 'loud'", "known_urgency"),
        ("read_at = now()", "only_people_read"),
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(change: str, constraint: str) -> None:
    tell(make_robot())
    with (
        pytest.raises(IntegrityError, match=constraint),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE notices_outboxmessage SET {change}")


def test_an_inbox_row_can_not_wait() -> None:
    outbox.post([outbox.Draft(**DRAFT, recipient_id=make_user().pk)], at=clock.now())
    with pytest.raises(IntegrityError, match="inbox_row_is_delivery"), transaction.atomic():
        OutboxMessage.objects.update(state=State.PENDING)


def test_backlog_counts_what_waits_and_what_is_dead_by_channel(django_assert_num_queries: Any) -> None:
    nothing = selectors.backlog()
    assert (nothing.pending, nothing.oldest_due_s, nothing.dead, nothing.unsent_sms) == (0, 0.0, 0, 0)
    assert set(nothing.channels) == {"wecom", "dingtalk", "feishu", "sms"}
    tell(make_robot(), 3)
    tell(make_robot(kind="feishu"), 2)
    text_to()
    OutboxMessage.objects.filter(pk=OutboxMessage.objects.earliest("id").pk).update(state=State.DEAD)
    OutboxMessage.objects.filter(robot__kind="feishu").update(available_at=clock.now() + timedelta(hours=1))
    clock.travel(timedelta(minutes=2))
    with django_assert_num_queries(1):
        found = selectors.backlog()
    assert (found.pending, found.dead) == (5, 1)
    assert 119 < found.oldest_due_s < 180
    assert {name: (one.pending, one.dead) for name, one in found.channels.items()} == {
        "wecom": (2, 1), "dingtalk": (0, 0), "feishu": (2, 0), "sms": (1, 0),
    }  # fmt: skip
    assert found.channels["feishu"].oldest_due_s == 0.0
    assert found.channels["sms"].oldest_due_s > 119


@pytest.mark.parametrize(
    ("index", "query"),
    [
        ("notices_outbox_pending",
         "SELECT id FROM notices_outboxmessage WHERE state = 'pending' AND available_at <= now() "
         "ORDER BY available_at, id LIMIT 10"),
        ("notices_outbox_inbox",
         "SELECT id FROM notices_outboxmessage WHERE recipient_id = 5 ORDER BY id DESC LIMIT 10"),
        ("notices_outbox_unread",
         "SELECT count(*) FROM notices_outboxmessage WHERE recipient_id = 5 AND read_at IS NULL"),
    ],
)  # fmt: skip
def test_an_index_serves_each_read(index: str, query: str) -> None:
    user, robot = make_user(), make_robot()
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO notices_outboxmessage
            (dedupe_key, recipient_id, template, params, subject_kind, subject_id, created_at, state,
             read_at)
            SELECT 'i' || i, CASE WHEN i %% 200 = 0 THEN %s ELSE %s END, 't', '{}', 'lead', i, now(),
                'delivered', CASE WHEN i %% 50 > 0 THEN now() END
            FROM generate_series(1, 20000) i""",
            [user.pk, make_user().pk],
        )
        cursor.execute(
            """INSERT INTO notices_outboxmessage
            (dedupe_key, robot_id, template, params, subject_kind, subject_id, created_at)
            SELECT 'r' || i, %s, 't', '{}', 'lead', i, now() FROM generate_series(1, 50) i""",
            [robot.pk],
        )
        cursor.execute("ANALYZE notices_outboxmessage")
        cursor.execute("EXPLAIN " + query.replace("= 5", f"= {user.pk}"))
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan, plan
