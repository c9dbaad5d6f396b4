"""`POST sync`: the queue of an offline phone over HTTP."""

from __future__ import annotations

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grids.demo import World
from kernel import clock
from kernel.errors import Busy
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from kernel.offline import lapsing
from kernel.offline.models import Operation
from leads import lifecycle
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.accounts import bearer
from tests.factories.leads import TUESDAY, pass_time, take_any
from tests.leads.calls import Api, body, code_of

pytestmark = pytest.mark.django_db


def op(path: str, *, uid: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"client_uid": uid or str(uuid.uuid4()), "path": path, **fields}


def report(world: World, **fields: Any) -> dict[str, Any]:
    """A queued report; its body leaves `client_uid` to the operation's own."""
    sent = body(world, **fields)
    uid = sent.pop("client_uid")
    return op("leads/", uid=uid, body=sent, captured_at=(TUESDAY - timedelta(hours=2)).isoformat())


def sync(api: Api, user: Any, *operations: Any, **more: Any) -> dict[str, Any]:
    answer = api.post(user, "sync", {"operations": list(operations), **more})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def words(answer: dict[str, Any]) -> list[str]:
    return [one["receipt"] for one in answer["receipts"]]


def test_a_day_offline_in_one_batch(world: World, api: Api) -> None:
    """Report, then three acts of the commissioner: each made on the version last seen, all taken."""
    lead = made.reported(world)
    by, seen = world.commissioner(1), f'"v{lead.version}"'
    answer = sync(
        api,
        by,
        op(f"leads/{lead.pk}/respond/", if_match=seen, body={"plan": "on_my_way"}),
        op(f"leads/{lead.pk}/control/", if_match=seen, body={"note": "已封存"}),
        op(
            f"leads/{lead.pk}/feedback/",
            if_match=seen,
            body={"disposal": {"kind": "guided", "note": "已当场提醒"}},
        ),
    )
    assert words(answer) == ["created"] * 3
    lead.refresh_from_db()
    assert lead.state == "fed_back"
    assert [one["version"] for one in answer["receipts"]] == [
        lead.version - 2,
        lead.version - 1,
        lead.version,
    ]


def test_the_same_batch_again_has_everything_already(world: World, api: Api) -> None:
    batch = [report(world), report(world, description="又一处")]
    first, again = sync(api, world.worker(1), *batch), sync(api, world.worker(1), *batch)
    assert (words(first), words(again)) == (["created"] * 2, ["already_have"] * 2)
    assert [one["id"] for one in first["receipts"]] == [one["id"] for one in again["receipts"]]
    assert Lead.objects.filter(reported_by=world.worker(1)).count() == 2


def test_a_report_sent_directly_before_is_known(world: World, api: Api) -> None:
    queued = report(world)
    direct = {**queued["body"], "client_uid": queued["client_uid"], "captured_at": queued["captured_at"]}
    first = api.post(world.worker(1), "leads/", direct).json()
    answer = sync(api, world.worker(1), queued)
    assert words(answer) == ["already_have"]
    assert answer["receipts"][0]["id"] == first["id"]


def test_both_moments_are_kept_and_clocks_start_at_receipt(world: World, api: Api) -> None:
    answer = sync(api, world.worker(1), report(world))
    lead = Lead.objects.get(pk=answer["receipts"][0]["id"])
    assert lead.captured_at == lead.discovered_at == TUESDAY - timedelta(hours=2)
    assert lead.reported_at == clock.now()
    assert lead.respond_due_at == lead.reported_at + timedelta(minutes=30)
    assert lead.flags == ["synced_late"]
    late = Entry.objects.get(stream=lead.stream, kind="lead.synced_late")
    assert datetime.fromisoformat(late.data["captured_at"]) == lead.captured_at
    assert datetime.fromisoformat(late.data["received_at"]) == lead.reported_at


@pytest.mark.parametrize(("minutes", "flagged"), [(9, False), (11, True), (-11, True)])
def test_a_wrong_clock_is_flagged(world: World, api: Api, minutes: int, flagged: bool) -> None:
    sent_at = clock.now() + timedelta(minutes=minutes)
    answer = sync(api, world.worker(1), report(world), sent_at=sent_at.isoformat())
    assert answer["skew_s"] == minutes * 60
    lead = Lead.objects.get(pk=answer["receipts"][0]["id"])
    assert ("clock_skewed" in lead.flags) is flagged


def test_an_act_on_a_lead_whose_report_has_not_come_waits_for_it(world: World, api: Api) -> None:
    """The phone's queue came apart: the second half first."""
    queued = report(world, reporter={"name": "测试反映人", "phone": "13800005678"})
    confirm = op(f"leads/uid:{queued['client_uid']}/confirm-handover/", if_match='"v1"')
    first = sync(api, world.worker(1), confirm)
    waiting = first["receipts"][0]
    assert (waiting["receipt"], waiting["waits_for"]) == ("waiting", [queued["client_uid"]])
    second = sync(api, world.worker(1), queued)
    assert words(second) == ["created"]
    assert [one["client_uid"] for one in second["earlier"]] == [confirm["client_uid"]]
    assert second["earlier"][0]["receipt"] in ("created", "already_have")
    assert sync(api, world.worker(1), confirm)["receipts"][0]["id"] == second["receipts"][0]["id"]


def test_out_of_order_within_one_batch(world: World, api: Api) -> None:
    queued = report(world)
    confirm = op(f"leads/uid:{queued['client_uid']}/confirm-handover/", if_match='"v1"')
    assert words(sync(api, world.worker(1), confirm, queued))[1] == "created"
    assert not Operation.objects.filter(state="waiting").exists()


def test_what_is_named_by_after_comes_first(world: World, api: Api) -> None:
    lead = made.reported(world)
    by, seen = world.commissioner(1), f'"v{lead.version}"'
    respond = op(f"leads/{lead.pk}/respond/", if_match=seen)
    control = op(
        f"leads/{lead.pk}/control/", if_match=seen, body={"note": "已封存"}, after=[respond["client_uid"]]
    )
    assert words(sync(api, by, control)) == ["waiting"]
    assert words(sync(api, by, respond)) == ["created"]
    lead.refresh_from_db()
    assert lead.controlled_at is not None


def test_who_waits_five_days_is_told(world: World, api: Api) -> None:
    orphan = op(f"leads/uid:{uuid.uuid4()}/confirm-handover/", if_match='"v1"', body={})
    sync(api, world.worker(1), orphan)
    pass_time(timedelta(days=4, hours=23), fire=False)
    assert lapsing.lapse() == 0
    pass_time(timedelta(hours=2), fire=False)
    assert (lapsing.lapse(), lapsing.lapse()) == (1, 0)
    row = Operation.objects.get()
    assert (row.state, row.sealed) == ("lapsed", "")
    assert OutboxMessage.objects.filter(template="offline.lapsed", recipient=world.worker(1)).count() == 1
    assert words(sync(api, world.worker(1), orphan)) == ["waiting"], "sent again, it waits anew"


def test_somebody_else_came_between(world: World, api: Api) -> None:
    lead = made.responded(world)
    seen = f'"v{lead.version}"'
    lifecycle.control(lead_id=lead.pk, by=world.commissioner(2), expect=take_any, note="代为处置")
    control = op(
        f"leads/{lead.pk}/feedback/", if_match=seen, body={"disposal": {"kind": "guided", "note": "x"}}
    )
    answer = sync(api, world.commissioner(1), control)
    assert words(answer) == ["conflict"]
    assert (answer["receipts"][0]["status"], answer["receipts"][0]["errors"][0]["code"]) == (
        412,
        "stale_version",
    )


def test_one_bad_operation_spoils_no_other(world: World, api: Api) -> None:
    answer = sync(
        api,
        world.worker(1),
        report(world),
        {"path": "leads/", "body": {}},
        op("leads/", body={"category": "F03", "nonsense": 1}),
        op("auth/password/", body={"old": "a", "new": "b"}),
        op("leads/999999999/respond/", if_match='"v1"'),
        op("leads/nowhere/at/all/"),
        op("entities/import/"),
        {"client_uid": "no uuid", "path": "leads/"},
        report(world, description="第二处"),
    )
    assert words(answer) == ["created", *["rejected"] * 7, "created"]
    assert all(one["errors"] for one in answer["receipts"][1:8])


@pytest.mark.parametrize(
    "bad",
    [{"\ud800": "x"}, {"note": "\udfff"}, {"\x00": 1}, {"disposal": "-1e400"}, {"note": ["\ud800"]}],
)
def test_what_cannot_be_kept_is_refused_alone(world: World, api: Api, bad: dict[str, Any]) -> None:
    """Half a character, a NUL or a number too great in one body: its own receipt says so, the operations
    beside it are made."""
    lead = made.reported(world)
    seen = f'"v{lead.version}"'
    queue = [
        op(f"leads/{lead.pk}/respond/", if_match=seen),
        op(f"leads/{lead.pk}/control/", if_match=seen, body=bad),
        op(f"leads/{lead.pk}/control/", if_match=seen, body={"note": "已封存"}),
    ]
    raw = json.dumps({"operations": queue}).replace('"-1e400"', "-1e400")
    headers = bearer(world.commissioner(1))
    sent = api.client.post("/api/v1/sync/", raw, content_type="application/json", headers=headers)
    assert sent.status_code == 200, sent.content
    answer = sent.json()
    assert words(answer) == ["created", "rejected", "created"]
    assert answer["receipts"][1]["status"] == 400
    assert Operation.objects.filter(state="waiting").count() == 0


def test_a_used_uid_with_other_content_is_refused(world: World, api: Api) -> None:
    queued = report(world)
    sync(api, world.worker(1), queued)
    other = {**queued, "body": {**queued["body"], "description": "换了内容"}}
    answer = sync(api, world.worker(1), other)
    assert words(answer) == ["conflict"]
    assert answer["receipts"][0]["errors"][0]["code"] == "client_uid_conflict"


def test_what_was_refused_may_be_put_right_under_the_same_uid(world: World, api: Api) -> None:
    wrong = report(world, category="Z99")
    assert words(sync(api, world.worker(1), wrong)) == ["rejected"]
    right = {**wrong, "body": {**wrong["body"], "category": "F03"}}
    assert words(sync(api, world.worker(1), right)) == ["created"]


def test_a_waiting_body_rests_sealed(world: World, api: Api) -> None:
    told = {"name": "周密保", "phone": "13955550000"}
    waits = op("leads/", body=body(world, reporter=told), after=[str(uuid.uuid4())])
    sync(api, world.worker(1), waits)
    row = Operation.objects.values().get()
    assert row["sealed"]
    assert "周密保" not in str(row)
    assert "13955550000" not in str(row)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"operations": 3},
        {"operations": ["x"]},
        {"operations": [{}] * 51},
        {"operations": [], "sent_at": "gestern"},
        {"operations": [], "unknown": 1},
    ],
)
def test_a_batch_that_is_none_is_refused_whole(world: World, api: Api, sent: dict[str, Any]) -> None:
    answer = api.post(world.worker(1), "sync/", sent)
    assert answer.status_code == 400


def test_nobody_syncs_without_a_token(world: World, api: Api) -> None:
    assert api.post(None, "sync/", {"operations": []}).status_code == 401
    assert code_of(api.post(None, "sync/", {"operations": []})) == "not_authenticated"


def test_an_empty_queue_is_answered(world: World, api: Api) -> None:
    assert sync(api, world.worker(1))["receipts"] == []


def test_nobody_makes_anothers_operations(world: World, api: Api) -> None:
    """The uid names what oneself has made; another's is unknown, and one waits for it in vain."""
    queued = report(world)
    sync(api, world.worker(1), queued)
    confirm = op(f"leads/uid:{queued['client_uid']}/confirm-handover/", if_match='"v1"')
    assert words(sync(api, world.worker(1, 2), confirm)) == ["waiting"]


def test_two_tasks_of_one_grid_have_versions_of_their_own(world: World, api: Api) -> None:
    grid, by = world.grid(1).code, world.head_of(1)
    due_at = (clock.now() + timedelta(days=1)).isoformat()
    give = [
        op(f"grids/{grid}/tasks/", body={"title": title, "owner": world.worker(1).username, "due_at": due_at})
        for title in ("核对新店", "张贴海报")
    ]
    given = sync(api, by, *give)
    assert words(given) == ["created"] * 2
    assert [one["resource"] for one in given["receipts"]] == [
        f"grids/{grid}/tasks/{one['id']}" for one in given["receipts"]
    ]
    assert words(sync(api, by, *give)) == ["already_have"] * 2
    done = [op(f"grids/{grid}/tasks/{one['id']}/done/", if_match='"v1"') for one in given["receipts"]]
    assert words(sync(api, world.worker(1), *done)) == ["created"] * 2


def test_nobody_fills_the_queue_with_what_never_comes(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("suoshe.sync.MOST_WAITING", 2)
    orphans = [op(f"leads/uid:{uuid.uuid4()}/confirm-handover/", if_match='"v1"') for _ in range(3)]
    answer = sync(api, world.worker(1), *orphans, report(world))
    assert words(answer) == ["waiting", "waiting", "rejected", "created"]
    assert answer["receipts"][2]["errors"][0]["code"] == "too_many_waiting"
    assert words(sync(api, world.worker(1), orphans[0])) == ["waiting"], "what waits already still does"
    assert words(sync(api, world.worker(1, 2), orphans[2])) == ["waiting"], "another's queue is his own"


def test_what_failed_for_the_moment_is_made_by_the_next_batch(
    world: World, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**given: Any) -> None:
        raise Busy("请稍后再试。")

    lead = made.reported(world)
    respond = op(f"leads/{lead.pk}/respond/", if_match=f'"v{lead.version}"')
    with monkeypatch.context() as patched:
        patched.setattr(lifecycle, "respond", busy)
        first = sync(api, world.commissioner(1), respond)
    assert (words(first), first["receipts"][0]["status"]) == (["waiting"], 503)
    second = sync(api, world.commissioner(1))
    assert [(one["client_uid"], one["receipt"]) for one in second["earlier"]] == [
        (respond["client_uid"], "created")
    ]
    lead.refresh_from_db()
    assert lead.state == "responded"


def test_what_answers_with_a_secret_is_not_queued(world: World, api: Api) -> None:
    lead = made.reported(world)
    asked = op(f"leads/{lead.pk}/reporter/reveal/", body={"reason": "回访核实情况"})
    answer = sync(api, world.user("keeper"), asked)
    assert (words(answer), answer["receipts"][0]["errors"][0]["code"]) == (["rejected"], "path_not_allowed")
    assert not Entry.objects.filter(kind="reporter.revealed").exists()


def test_waiting_costs_the_same_for_one_and_many(world: World, api: Api) -> None:
    def statements(number: int) -> int:
        orphans = [op(f"leads/uid:{uuid.uuid4()}/confirm-handover/", if_match='"v1"') for _ in range(number)]
        sync(api, world.worker(1), *orphans)
        with CaptureQueriesContext(connection) as seen:
            sync(api, world.worker(1))
        return len(seen)

    assert statements(1) == statements(6)
