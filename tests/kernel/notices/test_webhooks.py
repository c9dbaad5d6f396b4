"""Webhooks: written with the step, signed, in order, tried again, given up, replayed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from kernel import clock, sealed
from kernel.accounts.models import User
from kernel.errors import Refused
from kernel.journal.models import Entry
from kernel.notices import resealing, webhook_delivery, webhooks
from kernel.notices.models import WebhookDelivery, WebhookEndpoint
from kernel.notices.webhooks import Step
from tests.factories.accounts import make_user
from tests.factories.receiver import SECRET, Receiver, listening
from tests.kernel.notices.test_admin import keeper

pytestmark = pytest.mark.django_db
__all__ = ["keeper"]
_numbers = itertools.count(1)
State = WebhookDelivery.State


@pytest.fixture
def receiver(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with listening() as kept:
        settings.SUOSHE_WEBHOOK_HOSTS = [kept.url]
        yield kept


def endpoint(receiver: Receiver | None = None, **columns: Any) -> WebhookEndpoint:
    base = receiver.url if receiver else "https://other.example"
    made = WebhookEndpoint(name=f"对方 {next(_numbers)}", **{"url": f"{base}/hook", **columns})
    webhooks.set_secret(made, SECRET)
    made.save()
    return made


def step(subject: int = 1, event: str = "test.done", **more: Any) -> Step:
    return Step(event, "lead", subject, {"state": "closed", "n": next(_numbers)}, **more)


def later(by: timedelta = timedelta(hours=1)) -> None:
    WebhookDelivery.objects.filter(state=State.PENDING).update(available_at=clock.now() - by)


def test_a_step_is_written_for_whoever_wants_it() -> None:
    everything, chosen = endpoint(), endpoint(events=["test.done"])
    other, off = endpoint(events=["test.begun"]), endpoint(is_active=False)
    own, foreign = endpoint(source="p1"), endpoint(source="p2")
    at = clock.now()
    assert webhooks.post(step(source="p1", own={"number": "A1"}), at=at) == 3
    told = {d.endpoint_id: d.payload for d in WebhookDelivery.objects.all()}
    assert set(told) == {everything.pk, chosen.pk, own.pk}
    assert told[own.pk] == {"number": "A1"}
    assert told[everything.pk]["state"] == "closed"
    assert not {other.pk, off.pk, foreign.pk} & set(told)
    WebhookDelivery.objects.all().delete()
    assert webhooks.post(step(source="p1", restricted=True), at=at) == 1
    assert WebhookDelivery.objects.get().endpoint == own
    assert webhooks.post(step(restricted=True), at=at) == 0, "a tip-off of our own goes nowhere"


def test_it_is_signed_numbered_and_acknowledged(receiver: Receiver) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    assert webhook_delivery.deliver_due() == 1
    row = WebhookDelivery.objects.get()
    assert (row.state, row.response_status, row.attempts, row.leased_by) == (State.DELIVERED, 200, 1, "")
    assert receiver.signed == [True]
    assert receiver.ids == [str(row.pk)]
    assert receiver.paths == ["/hook"]
    assert receiver.bodies[0]["event"] == "test.done"
    assert webhook_delivery.deliver_due() == 0


def test_steps_of_one_subject_keep_their_order(receiver: Receiver) -> None:
    endpoint(receiver)
    for event in ("a", "b", "c"):
        webhooks.post(step(1, event), at=clock.now())
    webhooks.post(step(2, "x"), at=clock.now())
    receiver.answers = [500]
    assert webhook_delivery.deliver_due() == 0, "an endpoint that fails is left alone for this round"
    assert [body["event"] for body in receiver.bodies] == ["a"]
    WebhookDelivery.objects.exclude(event="a").update(available_at=clock.now() - timedelta(hours=2))
    assert webhook_delivery.deliver_due() == 1
    assert [body["event"] for body in receiver.bodies] == ["a", "x"], "b and c wait for a"
    later()
    assert webhook_delivery.deliver_due() == 3
    assert [body["event"] for body in receiver.bodies] == ["a", "x", "a", "b", "c"]
    assert receiver.ids[0] == receiver.ids[2], "a repeat is known by its number"


def test_a_round_that_is_over_takes_nothing_it_will_not_send(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    monkeypatch.setattr(webhook_delivery, "ROUND_S", -1.0)
    assert webhook_delivery.deliver_due() == 0
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.leased_by) == (State.PENDING, 0, "")


@pytest.mark.parametrize(("answer", "status"), [(500, 500), (429, 429), (404, 404), (302, 302), (0, None)])
def test_what_is_not_taken_is_tried_again(receiver: Receiver, answer: int, status: int | None) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    receiver.answers = [answer]
    assert webhook_delivery.deliver_due() == 0
    row = WebhookDelivery.objects.get()
    assert (row.state, row.response_status, row.attempts) == (State.PENDING, status, 1)
    assert row.last_error
    assert row.available_at > clock.now()
    later()
    assert webhook_delivery.deliver_due() == 1


def test_it_is_given_up_after_twelve_and_replayed_with_a_reason(receiver: Receiver) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    WebhookDelivery.objects.update(attempts=11)
    receiver.answers = [500]
    webhook_delivery.deliver_due()
    row = WebhookDelivery.objects.get()
    assert row.state == State.DEAD
    by = make_user()
    with pytest.raises(Refused):
        webhooks.replay(ids=[row.pk], by=by, reason="短", at=clock.now())
    assert webhooks.replay(ids=[row.pk], by=by, reason="对方已修复", at=clock.now()) == 1
    assert webhooks.replay(ids=[row.pk], by=by, reason="对方已修复", at=clock.now()) == 0
    assert Entry.objects.get(stream=f"webhook:{row.pk}").data["reason"] == "对方已修复"
    assert webhook_delivery.deliver_due() == 1
    assert webhooks.replay(ids=[row.pk], by=by, reason="对方没有入库", at=clock.now()) == 1


def test_a_deliverer_that_lost_its_lease_changes_nothing(receiver: Receiver) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())

    row = webhook_delivery._claim(set())
    assert row is not None
    assert webhook_delivery._claim(set()) is None, "held"
    later()
    again = webhook_delivery._claim(set())
    assert again is not None
    assert webhook_delivery._acknowledge(row, webhook_delivery.Outcome(status=200)) == 0
    assert webhook_delivery._acknowledge(again, webhook_delivery.Outcome(status=200)) == 1


def test_nothing_goes_to_a_host_that_no_setting_names(receiver: Receiver, settings: Any) -> None:
    endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    settings.SUOSHE_WEBHOOK_HOSTS = ["https://12345.example"]
    webhook_delivery.deliver_due()
    assert WebhookDelivery.objects.get().state == State.DEAD
    assert receiver.bodies == []
    for url in (
        "https://12345.example.evil/x",
        "http://12345.example/",
        "https://12345.example:8443/",
        "x",
        "http://[/",
    ):
        assert not webhooks.is_listed(url), url
    assert webhooks.is_listed("https://12345.example/back?x=1")


def test_what_cannot_be_written_is_set_aside_and_stops_no_other(receiver: Receiver) -> None:
    theirs, other = endpoint(receiver, source="p1", format="broken"), endpoint(receiver)
    webhooks.register_format("broken", "缺字段", lambda row: {"x": row.payload["not there"]})
    try:
        webhooks.post(step(source="p1", own={"number": "A1"}), at=clock.now())
        assert webhook_delivery.deliver_due() == 1
        dead = WebhookDelivery.objects.get(endpoint=theirs)
        assert (dead.state, dead.last_error) == (State.DEAD, "内容不齐，无法按该报文格式生成")
        assert WebhookDelivery.objects.get(endpoint=other).state == State.DELIVERED
    finally:
        webhooks._formats.pop("broken")


def test_a_platforms_form_is_for_its_own_matters() -> None:
    with pytest.raises(IntegrityError, match="form_of_its_platform"):
        endpoint(format="12345")


def test_an_endpoint_switched_off_keeps_what_waits(receiver: Receiver) -> None:
    made = endpoint(receiver)
    webhooks.post(step(), at=clock.now())
    WebhookEndpoint.objects.update(is_active=False)
    assert webhook_delivery.deliver_due() == 0
    WebhookEndpoint.objects.update(is_active=True)
    assert webhook_delivery.deliver_due() == 1
    assert made.deliveries.count() == 1


def test_secrets_are_sealed_anew(settings: Any) -> None:
    made = endpoint()
    assert SECRET not in made.secret_sealed
    settings.SUOSHE_IDENTITY_KEY = "another-key-0123456789," + settings.SUOSHE_IDENTITY_KEY
    assert resealing.reseal() == (1, 0)
    made.refresh_from_db()
    assert sealed.unseal_json(made.secret_sealed) == SECRET


# --- admin -----------------------------------------------------------------------------------------

ENDPOINTS, LOG = "/admin/notices/webhookendpoint/", "/admin/notices/webhookdelivery/"


def test_the_secret_is_shown_once(client: Client, keeper: User, settings: Any) -> None:
    settings.SUOSHE_WEBHOOK_HOSTS = ["https://12345.example"]
    form = {"name": "市热线", "url": "https://elsewhere.example/x", "format": "suoshe", "is_active": "on"}
    assert "不在允许的名单中" in client.post(f"{ENDPOINTS}add/", form).content.decode()
    shown = client.post(f"{ENDPOINTS}add/", form | {"url": "https://12345.example/x"})
    made = WebhookEndpoint.objects.get()
    secret = str(sealed.unseal_json(made.secret_sealed))
    assert secret in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    page = f"{ENDPOINTS}{made.pk}/change/"
    for path in (ENDPOINTS, page, "/admin/"):
        told = client.get(path).content.decode()
        assert secret not in told
        assert made.secret_sealed not in told
    changed = client.post(f"{ENDPOINTS}{made.pk}/change-secret/")
    if changed.status_code == 404:
        changed = client.post(f"{ENDPOINTS}{made.pk}/change/change-secret/")
    made.refresh_from_db()
    anew = str(sealed.unseal_json(made.secret_sealed))
    assert anew != secret
    assert anew in changed.content.decode()
    assert secret not in str([e.data for e in Entry.objects.all()])


def test_the_log_is_filtered_and_replayed(client: Client, keeper: User) -> None:
    endpoint()
    own = endpoint(source="p1")
    webhooks.post(step(7), at=clock.now())
    webhooks.post(step(8, source="p1", own={"number": "JB-SECRET"}, restricted=True), at=clock.now())
    WebhookDelivery.objects.update(state=State.DEAD, attempts=12, last_error="对方未接收")
    listed = client.get(f"{LOG}?state__exact=dead").content.decode()
    assert "对方未接收" in listed
    assert "lead:7" in listed
    assert "lead:8" not in listed
    hidden = WebhookDelivery.objects.get(endpoint=own)
    page = client.get(f"{LOG}{hidden.pk}/change/").content.decode()
    assert "限制知悉" in page
    assert "JB-SECRET" not in page
    assert "限制知悉" in client.get(LOG).content.decode()
    assert "限制知悉" not in client.get(f"{LOG}?event=test.done").content.decode(), "no filter tells its step"
    ids = [str(row.pk) for row in WebhookDelivery.objects.all()]
    first = {"action": "send_again", "_selected_action": ids}
    assert "重新推送" in client.post(LOG, first).content.decode()
    client.post(LOG, first | {"asked": "1", "reason": "对方已修复"})
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {State.PENDING}


def test_one_statement_writes_a_step(django_assert_num_queries: Any) -> None:
    for _ in range(3):
        endpoint()
    at = clock.now()
    with django_assert_num_queries(1, connection=connection):
        assert webhooks.post(step(), at=at) == 3
