"""Limits, calendar, clocks and journal in the admin: who sees what, and that nothing can be rewritten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from grids.demo import World
from kernel import clock
from kernel.clock import SHANGHAI
from kernel.deadlines import audit_runs, clocks
from kernel.deadlines.limits import Terms, add_version
from kernel.deadlines.models import CalendarDay, Deadline, Event, Heartbeat, LimitPolicy, PoisonRow
from kernel.deadlines.policy import Counting, Unit, WorkingCalendar
from kernel.deadlines.sweep import Driver
from kernel.errors import Refused
from kernel.journal.models import Entry, Seal
from kernel.journal.seal import seal
from kernel.notices.models import OutboxMessage
from tests.factories.grids import make_world
from tests.factories.leads import reported
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
ALL = {
    "deadlines/limitpolicy", "deadlines/calendarday", "deadlines/deadline", "deadlines/event",
    "deadlines/poisonrow", "deadlines/heartbeat", "journal/entry", "journal/seal",
}  # fmt: skip
OVERSEEN = {"deadlines/limitpolicy", "deadlines/calendarday", "deadlines/deadline", "deadlines/event"}
TECHNICAL = {"deadlines/poisonrow", "deadlines/heartbeat"}
READ_ONLY = ALL - {"deadlines/limitpolicy", "deadlines/calendarday"}


@pytest.fixture
def world(settings: Any) -> World:
    settings.SUOSHE_REQUIRE_SECOND_FACTOR = False
    world = make_world()
    reported(world)
    now = clock.now()
    clocks.arm(
        [
            Deadline(
                subject_kind="thing", subject_id=1, kind="nobody", cycle=1, parent_kind="", state="running",
                policy_version=1, armed_at=now - timedelta(hours=1), due_at=now - timedelta(minutes=1),
            )
        ]
    )  # fmt: skip
    Driver("clock@here").tick()
    seal()
    return world


def page(world: World, username: str) -> Client:
    client = Client()
    client.force_login(world.users[username], backend="django.contrib.auth.backends.ModelBackend")
    return client


WHO_SEES = {
    "auditor": ALL,
    "bureau": OVERSEEN | TECHNICAL | {"journal/seal"},
    "leader": OVERSEEN,
    "office-01": {"deadlines/limitpolicy", "deadlines/calendarday"},
    "clerk-01": {"deadlines/calendarday"},
    "admin": {"deadlines/limitpolicy", "deadlines/calendarday"} | TECHNICAL,
    "commissioner-01": set(),
}


def test_who_opens_which_list(world: World) -> None:
    opened = {}
    for username in WHO_SEES:
        client = page(world, username)
        opened[username] = {name for name in ALL if client.get(f"/admin/{name}/").status_code == 200}
    assert opened == WHO_SEES


def test_pages_are_chinese_and_ours(world: World) -> None:
    CalendarDay.objects.create(day=clock.today(), is_working=True, note="值守")
    client = page(world, "auditor")
    for name in sorted(ALL):
        html = client.get(f"/admin/{name}/").content.decode()
        assert (name, english_in(html, allowed={"esc"})) == (name, [])
        assert outside_in(html) == []


@pytest.mark.parametrize("username", ["auditor", "bureau"])
def test_nobody_writes_what_the_house_wrote(world: World, username: str) -> None:
    client = page(world, username)
    rows: dict[str, Any] = {
        "deadlines/deadline": Deadline, "deadlines/event": Event, "deadlines/poisonrow": PoisonRow,
        "deadlines/heartbeat": Heartbeat, "journal/entry": Entry, "journal/seal": Seal,
    }  # fmt: skip
    assert set(rows) == READ_ONLY
    for name, model in rows.items():
        row = model.objects.all()[0]
        assert client.get(f"/admin/{name}/add/").status_code == 403
        shown = client.get(f"/admin/{name}/{row.pk}/change/")
        assert shown.status_code == (403 if (username, name) == ("bureau", "journal/entry") else 200)
        assert b'name="_save"' not in shown.content
        assert client.post(f"/admin/{name}/{row.pk}/change/", {"kind": "x"}).status_code == 403
        assert client.post(f"/admin/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
        assert model.objects.filter(pk=row.pk).exists()


# -- how the machinery runs


def test_how_the_machinery_runs(world: World) -> None:
    for username, status in (("admin", 200), ("bureau", 200), ("auditor", 200), ("office-01", 403)):
        assert page(world, username).get("/admin/health/").status_code == status, username
    client = page(world, "admin")
    assert 'href="/admin/health/"' in client.get("/admin/").content.decode()
    late = Deadline.objects.create(
        subject_kind="thing", subject_id=1, kind="limit", armed_at=clock.now() - timedelta(days=2),
        due_at=clock.now() - timedelta(days=1),
    )  # fmt: skip
    audit_runs.run(nightly=True)
    html = client.get("/admin/health/").content.decode()
    assert f"到期超过 5 秒仍在计时：时限 {late.pk}。" in html
    assert "夜间全面巡检" in html
    assert english_in(html, allowed={"esc", "Redis"}) == []
    assert outside_in(html) == []
    told = OutboxMessage.objects.filter(template="deadlines.audit_faults")
    assert {row.recipient.username for row in told} == {"bureau", "auditor", "admin"}  # type: ignore[union-attr]


# -- searches


def test_the_auditor_finds_a_stream_and_a_kind(world: World) -> None:
    client = page(world, "auditor")
    entry = Entry.objects.filter(stream__startswith="lead:").order_by("id")[0]
    found = client.get("/admin/journal/entry/", {"q": entry.stream}).content.decode()
    assert entry.stream in found
    assert "grid:" not in found
    kind = client.get("/admin/journal/entry/", {"q": entry.kind}).content.decode()
    assert entry.stream in kind
    assert entry.stream not in client.get("/admin/journal/entry/", {"q": "lead:999999"}).content.decode()
    detail = client.get(f"/admin/journal/entry/{entry.pk}/change/").content.decode()
    assert entry.hash in detail


def test_clocks_are_found_by_their_subject(world: World) -> None:
    client = page(world, "auditor")
    for name in ("deadline", "event"):
        for term, count in {"thing:1": 1, "thing:2": 0, "x": 0, "thing:9" + "9" * 30: 0}.items():
            html = client.get(f"/admin/deadlines/{name}/", {"q": term}).content.decode()
            assert (term, html.count("<code>thing:1</code>")) == (term, count)


# -- limits


def terms(**changes: Any) -> Terms:
    given: dict[str, Any] = {
        "amount": 45, "unit": Unit.MINUTES, "counting": Counting.NATURAL, "warn_percent": 80,
        "in_force_from": clock.now() + timedelta(days=1), "basis": "局发〔2026〕9号",
    }  # fmt: skip
    return Terms(**{**given, **changes})


def asked(**changes: str) -> dict[str, str]:
    when = (clock.now() + timedelta(days=1)).astimezone(SHANGHAI)
    return {
        "kind": "respond", "amount": "45", "unit": "MINUTES", "counting": "NATURAL", "warn_percent": "80",
        "in_force_from_0": f"{when:%Y-%m-%d}", "in_force_from_1": f"{when:%H:%M:%S}",
        "basis": "局发〔2026〕9号", **changes,
    }  # fmt: skip


def test_the_bureau_adds_a_version_that_counts_from_its_day(world: World) -> None:
    client = page(world, "bureau")
    assert client.get("/admin/deadlines/limitpolicy/add/").status_code == 200
    done = client.post("/admin/deadlines/limitpolicy/add/", asked())
    assert done.status_code == 302
    made = LimitPolicy.objects.get(kind="respond", version=2)
    assert (made.amount, made.name) == (45, "接单时限")
    assert clocks.limits(clock.now())["respond"].amount == 30
    assert clocks.limits(clock.now() + timedelta(days=2))["respond"].amount == 45
    entry = Entry.objects.get(stream="limit:respond")
    assert (entry.actor_id, entry.data["amount"]) == (world.users["bureau"].pk, 45)
    html = client.get("/admin/deadlines/limitpolicy/").content.decode()
    assert "待生效" in html
    assert "现行" in html
    detail = client.get(f"/admin/deadlines/limitpolicy/{made.pk}/change/")
    assert detail.status_code == 200
    assert b'name="_save"' not in detail.content


def test_a_version_that_makes_no_sense_is_refused_on_the_form(world: World) -> None:
    client = page(world, "bureau")
    for change, sentence in [
        ({"in_force_from_0": "2020-01-01"}, "生效时间必须晚于现在"),
        ({"kind": "feedback", "counting": "DUTY"}, "只有接单时限可以按工作时间计时"),
        ({"amount": "0"}, "时限必须大于"),
        ({"warn_percent": "100"}, "催办比例应在"),
        ({"kind": "nonsense"}, "nonsense"),
    ]:
        answer = client.post("/admin/deadlines/limitpolicy/add/", asked(**change))
        assert answer.status_code == 200
        assert sentence in answer.content.decode()
    assert LimitPolicy.objects.filter(kind="respond").count() == 1


def test_nobody_else_adds_one(world: World) -> None:
    for username in ("office-01", "auditor", "admin", "leader"):
        answer = page(world, username).post("/admin/deadlines/limitpolicy/add/", asked())
        assert (username, answer.status_code) == (username, 403)


def test_the_service_refuses_it_too(world: World) -> None:
    changes: list[tuple[str, dict[str, Any], str]] = [
        ("respond", {"in_force_from": datetime(2020, 1, 1, tzinfo=SHANGHAI)}, "already_in_force"),
        ("feedback", {"counting": Counting.DUTY}, "duty_respond_only"),
        ("nonsense", {}, "unknown_limit"),
    ]
    for kind, change, code in changes:
        with pytest.raises(Refused) as refused:
            add_version(kind=kind, terms=terms(**change), by=world.users["bureau"], at=clock.now())
        assert refused.value.code == code


# -- the calendar


def test_a_year_nobody_knows_is_warned_of(world: World) -> None:
    clock.set_to(datetime(2026, 11, 20, 10, tzinfo=SHANGHAI))
    client = page(world, "bureau")
    assert "2027 年的节假日安排尚未录入" in client.get("/admin/deadlines/calendarday/").content.decode()
    done = client.post(
        "/admin/deadlines/calendarday/add/", {"day": "2027-01-01", "note": "元旦"}, follow=True
    )
    assert done.status_code == 200
    assert "尚未录入" not in client.get("/admin/deadlines/calendarday/").content.decode()
    assert CalendarDay.objects.get().is_working is False
    assert Entry.objects.get(stream="calendar:2027").data["day"] == "2027-01-01"


def test_both_years_may_be_unknown() -> None:
    assert WorkingCalendar().unknown_years(datetime(2027, 3, 1, tzinfo=SHANGHAI).date()) == [2027, 2028]
    assert WorkingCalendar().unknown_years(datetime(2025, 3, 1, tzinfo=SHANGHAI).date()) == []


def test_a_day_is_changed_but_not_moved(world: World) -> None:
    CalendarDay.objects.create(day="2026-03-14", is_working=True)
    client = page(world, "bureau")
    client.post("/admin/deadlines/calendarday/2026-03-14/change/", {"day": "2026-03-15", "note": "取消调休"})
    day = CalendarDay.objects.get()
    assert (day.day.isoformat(), day.is_working, day.note) == ("2026-03-14", False, "取消调休")
    assert page(world, "office-01").post("/admin/deadlines/calendarday/add/", {}).status_code == 403
