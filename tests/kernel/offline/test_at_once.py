"""The same queue sent twice at once: the first answer was slow, and the phone did not wait."""

from __future__ import annotations

from typing import Any

from django.test import Client

from kernel.offline.models import Operation
from leads.models import Lead
from tests.factories.accounts import token_for
from tests.factories.grids import make_world
from tests.kernel.at_once import at_once
from tests.leads.calls import Api, body


def test_a_batch_sent_twice_at_once_is_made_once(committed_db: str) -> None:
    world = make_world()
    worker = world.worker(1)
    sent = []
    for number in range(6):
        one = body(world, description=f"第{number}处")
        sent.append({"client_uid": one.pop("client_uid"), "path": "leads/", "body": one})

    token = token_for(worker)

    def send() -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        answer = Api(Client()).post(None, "sync", {"operations": sent}, **headers)
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()

    answers = at_once([send, send])
    assert all(isinstance(answer, dict) for answer in answers), answers
    words = sorted(tuple(one["receipt"] for one in answer["receipts"]) for answer in answers)
    assert words == [("already_have",) * 6, ("created",) * 6]
    assert (Lead.objects.count(), Operation.objects.filter(state="done").count()) == (6, 6)
