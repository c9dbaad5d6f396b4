"""Delivery: leases, back-off, repeats, stop conditions, rates, dead letters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kernel import clock, sealed
from kernel.errors import Refused
from kernel.journal.models import Entry
from kernel.notices import delivery, policy, templates
from kernel.notices.models import OutboxMessage, Robot, State
from kernel.notices.replay import SET_ASIDE, replay, replay_carrier, set_aside
from tests.factories.accounts import make_user
from tests.kernel.notices.conftest import Provider, later, make_robot, tell, text_to

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("words")]

BUSY = (200, {"errcode": -1})


def test_what_waits_is_sent_and_noted(provider: Provider) -> None:
    robot = make_robot()
    first, second = tell(robot, 2)
    assert delivery.deliver_due() == 2
    assert provider.told == [f"**{m.params['number']} 待办**\n请尽快处理" for m in (first, second)]
    first.refresh_from_db()
    assert (first.state, first.attempts, first.leased_by) == (State.DELIVERED, 1, "")
    assert first.delivered_at == clock.now()
    assert delivery.deliver_due() == 0
    assert len(provider.told) == 2


def test_a_notice_held_back_waits_for_its_moment(provider: Provider) -> None:
    tell(make_robot(), available_at=clock.now() + timedelta(hours=1))
    assert delivery.deliver_due() == 0
    later(3601)
    assert delivery.deliver_due() == 1


def test_a_failure_waits_in_the_row_and_a_sure_one_is_no_repeat(provider: Provider) -> None:
    (message,) = tell(make_robot())
    provider.answers = [BUSY]
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.attempts, message.maybe_sent) == (State.PENDING, 1, False)
    assert "errcode -1" in message.last_error
    wait = message.available_at - clock.now()
    assert policy.backoff(1, 1.0) <= wait <= policy.backoff(1, 0.0)
    assert delivery.deliver_due() == 0
    later(6)
    assert delivery.deliver_due() == 1
    assert "重发" not in provider.told[-1]


def test_a_repeat_that_may_be_a_second_copy_says_so(provider: Provider) -> None:
    tell(make_robot())
    provider.answers = [(500, {}), BUSY]
    delivery.deliver_due()
    later(6)
    delivery.deliver_due()
    later(12)
    assert delivery.deliver_due() == 1
    assert ["（重发）" in told for told in provider.told] == [False, True, True]


def test_after_twelve_failures_it_is_dead_until_a_person_replays_it(provider: Provider) -> None:
    (message,) = tell(make_robot())
    provider.answers = [BUSY] * policy.LAST_ATTEMPT
    for _ in range(policy.LAST_ATTEMPT + 3):
        delivery.deliver_due()
        later(1801)
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.DEAD, 12)
    assert len(provider.told) == 12
    admin = make_user()
    assert replay(ids=[message.pk], by=admin, reason="已恢复", at=clock.now()) == 1
    assert replay(ids=[message.pk], by=admin, reason="已恢复", at=clock.now()) == 0
    assert delivery.deliver_due() == 1
    entry = Entry.objects.get(stream=f"notice:{message.pk}")
    assert (entry.kind, entry.actor_id, entry.data["reason"]) == ("notice.replayed", admin.pk, "已恢复")


def test_all_of_one_robot_are_replayed_and_no_other(provider: Provider) -> None:
    mended, sick = make_robot(), make_robot()
    rows = [*tell(mended, 3), *tell(sick, 2)]
    OutboxMessage.objects.filter(pk__in=[m.pk for m in rows]).update(state=State.DEAD, last_error="93000")
    by = make_user()
    with pytest.raises(Refused):
        replay_carrier(robot_id=mended.pk, by=by, reason=" ", at=clock.now())
    assert replay_carrier(robot_id=mended.pk, by=by, reason="换了地址 13812345678", at=clock.now()) == 3
    assert OutboxMessage.objects.filter(state=State.DEAD, robot=sick).count() == 2
    assert Entry.objects.filter(kind="notice.replayed").count() == 3
    assert Entry.objects.earliest("id").data == {"reason": "换了地址 138****5678", "last_error": "93000"}


def test_what_is_set_aside_keeps_no_number(gateway: Provider) -> None:
    message = text_to()
    OutboxMessage.objects.update(state=State.DEAD, last_error="号码无法接收短信")
    assert set_aside(ids=[message.pk], by=make_user(), reason="空号", at=clock.now()) == 1
    message.refresh_from_db()
    assert (message.state, message.sealed, message.last_error) == (State.DROPPED, "", SET_ASIDE)
    assert delivery.deliver_due() == 0


def test_an_invalid_webhook_is_dead_at_once(provider: Provider) -> None:
    (message,) = tell(make_robot())
    provider.answers = [(200, {"errcode": 93000})]
    delivery.deliver_due()
    message.refresh_from_db()
    assert message.state == State.DEAD


def test_what_is_behind_a_failure_waits_without_an_attempt(provider: Provider) -> None:
    tell(make_robot(), 3)
    provider.answers = [BUSY]
    delivery.deliver_due()
    assert len(provider.told) == 1
    assert list(OutboxMessage.objects.order_by("id").values_list("attempts", "leased_by")) == [
        (1, ""), (0, ""), (0, ""),
    ]  # fmt: skip
    later(6)
    assert delivery.deliver_due() == 3


def test_one_sick_robot_delays_no_other(provider: Provider) -> None:
    sick, well = make_robot(), make_robot()
    tell(sick, 5)
    tell(well, 2)
    provider.answers = [BUSY]
    assert delivery.deliver_due() == 2


def test_an_answered_lead_pages_nobody(provider: Provider) -> None:
    asked = []
    templates.register(
        "test.stop", "标题", "正文", still_wanted=lambda m: asked.append(m.subject_id) or False
    )
    (message,) = tell(make_robot(), template="test.stop")
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, message.delivered_at, provider.told) == (State.DROPPED, None, [])
    assert asked == [message.subject_id]


def test_the_stop_condition_is_read_again_before_a_repeat(provider: Provider) -> None:
    wanted = [True, False]
    templates.register("test.stop", "标题", "正文", still_wanted=lambda message: wanted.pop(0))
    tell(make_robot(), template="test.stop")
    provider.answers = [BUSY]
    delivery.deliver_due()
    later(6)
    delivery.deliver_due()
    assert OutboxMessage.objects.get().state == State.DROPPED
    assert len(provider.told) == 1


def test_a_stop_condition_that_fails_stops_nothing(provider: Provider) -> None:
    def broken(message: OutboxMessage) -> bool:
        raise ZeroDivisionError

    templates.register("test.stop", "标题", "正文", still_wanted=broken)
    tell(make_robot(), template="test.stop")
    assert delivery.deliver_due() == 1


def test_what_has_expired_is_dropped(provider: Provider) -> None:
    tell(make_robot(), expires_at=clock.now() + timedelta(minutes=5))
    later(301)
    assert delivery.deliver_due() == 0
    assert OutboxMessage.objects.get().state == State.DROPPED


def test_a_robot_switched_off_keeps_nothing_waiting(provider: Provider) -> None:
    tell(make_robot(is_active=False), 2)
    assert delivery.deliver_due() == 0
    assert {m.state for m in OutboxMessage.objects.all()} == {State.DROPPED}


def test_a_burst_is_one_digest(provider: Provider) -> None:
    tell(make_robot(), 8)
    assert delivery.deliver_due() == 8
    (told,) = provider.told
    assert told.startswith("**工作提醒汇总（8 条）**")
    assert told.count("\n> ") == 8


def test_what_is_beyond_the_rate_shares_one_message(provider: Provider) -> None:
    robot = make_robot(rate_per_minute=3)
    tell(robot, 5)
    assert delivery.deliver_due() == 5
    assert len(provider.told) == 3
    assert provider.told[2].startswith("**工作提醒汇总（3 条）**")
    tell(robot, 4)
    assert delivery.deliver_due() == 0
    later(21)
    assert delivery.deliver_due() == 4
    assert len(provider.told) == 4


def test_a_digest_loses_nothing_that_does_not_fit(provider: Provider) -> None:
    robot = make_robot(rate_per_minute=1)
    what = "地址和经过写得很长" * 20
    messages = tell(robot, 30, params={"number": "XS", "what": what})
    first = delivery.deliver_due()
    assert 2 < first < 30
    assert OutboxMessage.objects.filter(state=State.PENDING, attempts=0, leased_by="").count() == 30 - first
    delivered = first
    while delivered < 30:
        later(61)
        delivered += delivery.deliver_due()
    lines = sum(told.count("\n> ") or 1 for told in provider.told)
    assert lines == len(messages)


def test_a_group_that_was_locked_out_is_left_alone_for_as_long(provider: Provider) -> None:
    robot = make_robot(kind="dingtalk", url="/robot/send?access_token=abc")
    tell(robot, 2)
    provider.answers = [(200, {"errcode": 130101, "errmsg": "send too fast"})]
    assert delivery.deliver_due() == 0
    for _ in range(5):
        later(100)
        assert delivery.deliver_due() == 0
    assert len(provider.told) == 1
    later(200)
    assert delivery.deliver_due() == 2


@pytest.mark.parametrize(
    ("kind", "url"),
    [("dingtalk", "/robot/send?access_token=abc"), ("feishu", "/open-apis/bot/v2/hook/abc")],
)
def test_each_kind_of_robot_is_spoken_to_in_its_way(provider: Provider, kind: str, url: str) -> None:
    robot = make_robot(kind=kind, url=url, secret_sealed=sealed.seal_json("SEC1"))
    tell(robot)
    assert delivery.deliver_due() == 1
    assert "sign" in provider.paths[0] + str(provider.bodies[0].keys())
    assert "SEC1" not in str(provider.bodies) + provider.paths[0]


def test_a_secret_sealed_with_another_key_is_a_persons_matter(provider: Provider, settings: Any) -> None:
    (message,) = tell(make_robot(kind="feishu", secret_sealed=sealed.seal_json("SEC1")))
    settings.SUOSHE_IDENTITY_KEY = "another"
    assert delivery.deliver_due() == 0
    message.refresh_from_db()
    assert (message.state, provider.told) == (State.DEAD, [])
    assert "重新填写" in message.last_error


def test_told_to_slow_down_the_bucket_is_empty(provider: Provider) -> None:
    robot = make_robot()
    tell(robot, 3)
    provider.answers = [(200, {"errcode": 45009})]
    delivery.deliver_due()
    robot.refresh_from_db()
    assert robot.tokens == 0.0


def test_no_minute_exceeds_the_rate_by_more_than_the_bucket(provider: Provider) -> None:
    robot = make_robot(rate_per_minute=4)
    sent_at: list[int] = []
    for elapsed in range(0, 180, 2):
        before = len(provider.told)
        tell(robot, 2)
        delivery.deliver_due()
        sent_at += [elapsed] * (len(provider.told) - before)
        later(2)
    assert OutboxMessage.objects.filter(state=State.PENDING).count() <= 20
    for start in sent_at:
        assert sum(start <= at < start + 60 for at in sent_at) <= 2 * 4


def test_a_lease_that_ran_out_acknowledges_nothing(provider: Provider) -> None:
    """A deliverer that slept through its lease: the second one sends, says so, and only it counts."""
    robot = make_robot()
    (message,) = tell(robot)
    slow = delivery.claim(robot.pk)
    assert slow is not None
    assert delivery.claim(robot.pk) is None
    later(61)
    assert delivery.deliver_due() == 1
    assert delivery._send(slow, slow.ids) == 0
    assert len(provider.told) == 1
    message.refresh_from_db()
    assert (message.state, message.attempts) == (State.DELIVERED, 1)


def test_killed_while_sending_it_is_sent_again_and_says_so(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    tell(make_robot())
    with monkeypatch.context() as patched:
        patched.setattr(delivery.senders, "send", lambda *_: die())
        with pytest.raises(Killed):
            delivery.deliver_due()
    assert delivery.deliver_due() == 0
    later(61)
    assert delivery.deliver_due() == 1
    assert "（重发）" in provider.told[0]


def test_a_deliverer_that_lost_its_lease_while_sending_changes_nothing(provider: Provider) -> None:
    """The first is still waiting for its answer when the lease runs out and another has the row."""
    (message,) = tell(make_robot())

    def meanwhile() -> None:
        OutboxMessage.objects.filter(pk=message.pk).update(leased_by="another")

    original = delivery.senders.send

    def send(robot: Robot, texts: Any) -> None:
        original(robot, texts)
        meanwhile()

    delivery.senders.send = send
    try:
        assert delivery.deliver_due() == 0
    finally:
        delivery.senders.send = original
    message.refresh_from_db()
    assert (message.state, message.leased_by) == (State.PENDING, "another")
