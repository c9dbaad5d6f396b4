"""巡查规则: a new version from tomorrow on, shown before it takes effect; none is changed, one may wait."""

from __future__ import annotations

import dataclasses
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from grids import duplicates
from grids.demo import World
from grids.models import DuplicatePair, EntityContact
from kernel import clock
from kernel.errors import Conflict, DomainError, NotAllowed, NotVisible, Refused
from kernel.journal.models import Entry
from patrols import planning, policies, policy_effects, policy_versions
from patrols.models import PatrolPolicy, PatrolTask
from patrols.policy_versions import Terms
from tests.factories.plans import MONDAY, graded, travel_to
from tests.suoshe.pages import english_in, outside_in

pytestmark = pytest.mark.django_db
LIST = "/admin/patrols/patrolpolicy/"
REASON = "条件不成熟"


def terms(**changes: Any) -> Terms:
    usual = Terms(
        in_force_on=clock.today() + timedelta(days=1), daily_on_rest_days=False, worker_daily_limit=20,
        commissioner_weekly_limit=10, inspections_a_year=24, closed_in_a_row=3, basis="局发〔2026〕5号",
    )  # fmt: skip
    return dataclasses.replace(usual, **changes)


def add(world: World, **changes: Any) -> PatrolPolicy:
    return policy_versions.add(terms=terms(**changes), by=world.user("bureau"))


def test_it_takes_effect_at_midnight_and_stands_in_the_journal(world: World) -> None:
    travel_to(MONDAY)
    made = add(world)
    assert (made.version, made.by) == (2, world.user("bureau"))
    assert policies.in_force(clock.now()).version == 1
    travel_to(MONDAY + timedelta(days=1), 0, 1)
    assert policies.in_force(clock.now()).worker_daily_limit == 20
    told = Entry.objects.get(stream="patrol_policy:2")
    assert (told.kind, told.data["worker_daily_limit"], told.data["in_force_on"]) == (
        "patrol_policy.added", 20, "2026-11-24",
    )  # fmt: skip


def test_the_next_nights_plan_follows_it(world: World) -> None:
    """每日巡 on days of rest: planned for a Saturday once the version is in force."""
    saturday = date(2026, 11, 28)
    travel_to(saturday - timedelta(days=1))
    shop = graded(world, "C")
    add(world, daily_on_rest_days=True)
    travel_to(saturday, 0, 40)
    planning.plan(saturday)
    days = PatrolTask.objects.filter(entity=shop, kind="DAILY_PATROL").values_list("planned_on", flat=True)
    assert saturday in days


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"worker_daily_limit": 0}, "bad_number"),
        ({"worker_daily_limit": 10**9}, "bad_number"),
        ({"inspections_a_year": -1}, "bad_number"),
        ({"closed_in_a_row": 21}, "bad_number"),
        ({"basis": "  "}, "basis_required"),
        ({"basis": "长" * 201}, "basis_required"),
        ({"worker_daily_limit": 25}, "nothing_new"),
    ],
)
def test_what_cannot_be_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refused:
        add(world, **changes)
    assert refused.value.code == code
    assert PatrolPolicy.objects.count() == 1


def test_days_that_cannot_be_are_refused(world: World) -> None:
    today = clock.today()
    for day, code in ((today, "too_soon"), (date.max, "too_far"), (date.min, "too_soon")):
        with pytest.raises(Refused) as refused:
            add(world, in_force_on=day)
        assert refused.value.code == code
    add(world, in_force_on=today + timedelta(days=9))
    for days in (1, 9):
        with pytest.raises(Refused, match="须晚于该日"):
            add(world, in_force_on=today + timedelta(days=days), worker_daily_limit=30)
    add(world, in_force_on=today + timedelta(days=10), worker_daily_limit=30)


def test_one_that_waits_is_taken_back_and_none_in_force(world: World) -> None:
    bureau = world.user("bureau")
    made = add(world)
    later = add(world, in_force_on=clock.today() + timedelta(days=2), worker_daily_limit=30)
    refused: list[tuple[int, type[DomainError]]] = [(made.version, Conflict), (1, Conflict), (9, NotVisible)]
    for version, error in refused:
        with pytest.raises(error):
            policy_versions.take_back(version=version, by=bureau, reason=REASON)
    with pytest.raises(Refused, match="理由"):
        policy_versions.take_back(version=later.version, by=bureau, reason=" ")
    for _ in range(2):
        policy_versions.take_back(version=later.version, by=bureau, reason=REASON)
    assert policy_versions.latest() == made
    told = Entry.objects.filter(stream="patrol_policy:3").latest("pk")
    assert (told.kind, told.data["reason"]) == ("patrol_policy.taken_back", REASON)


def test_only_the_bureau_writes_rules(world: World) -> None:
    made = add(world)
    for username in (
        "leader",
        "office-01",
        "clerk-01",
        "commissioner-01",
        "section-credit",
        "auditor",
        "admin",
    ):
        with pytest.raises(NotAllowed):
            policy_versions.add(terms=terms(worker_daily_limit=30), by=world.user(username))
        with pytest.raises(NotAllowed):
            policy_versions.take_back(version=made.version, by=world.user(username), reason=REASON)


def test_the_effect_tells_tasks_per_person_and_who_passes_the_limits(world: World) -> None:
    for _ in range(5):
        shop = graded(world, "C")
    EntityContact.objects.bulk_create(
        EntityContact(
            entity=shop, purpose="CHECK", entered=True, at=clock.now(), on=clock.today(), source=f"test:{n}"
        )
        for n in range(3)
    )
    found = policy_effects.of(
        terms(commissioner_weekly_limit=4, inspections_a_year=3, daily_on_rest_days=True),
        policies.in_force(clock.now()),
        clock.today(),
    )
    commissioner = found.commissioners[0]
    assert (commissioner.name, commissioner.tasks) == (world.commissioner(1).name, 5.0)
    assert (commissioner.over_before, commissioner.over_after) == (False, True)
    mine = [one for one in found.workers if world.grid(1).code in one.grids]
    assert sum(one.rest_before for one in mine) == 0
    assert sum(one.rest_after for one in mine) == pytest.approx(5, abs=0.2)
    assert found.over == (0, 1)
    assert (found.at_cap_before, found.at_cap_after) == (0, 1)


def test_the_cap_counts_every_entry_of_one_business(world: World) -> None:
    shops = [graded(world, "C") for _ in range(2)]
    EntityContact.objects.bulk_create(
        EntityContact(
            entity=shop, purpose="CHECK", entered=True, at=clock.now(), on=clock.today(), source=f"test:{n}"
        )
        for n, shop in enumerate([*shops, *shops[:1]])
    )

    def at_cap() -> tuple[int, int]:
        stricter = terms(inspections_a_year=3)
        found = policy_effects.of(stricter, policies.in_force(clock.now()), clock.today())
        return found.at_cap_before, found.at_cap_after

    assert at_cap() == (0, 0)
    pair = DuplicatePair.objects.create(
        first=shops[0], second=shops[1], why="联系电话相同", found_at=clock.now()
    )
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True)
    assert at_cap() == (0, 1)


# --- the pages -------------------------------------------------------------------------------------


def signed_in(world: World, username: str) -> Client:
    client, user = Client(), world.user(username)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def said(**changes: Any) -> dict[str, Any]:
    values = {name: getattr(terms(), name) for name in ("in_force_on", *policy_versions.BOUNDS, "basis")}
    return values | changes


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content.decode()[:2000]
    html = str(answer.content.decode())
    assert outside_in(html) == []
    return html


def shown_digest(html: str) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', html)
    assert found
    return found[1]


def test_a_version_is_shown_then_confirmed_then_taken_back(world: World) -> None:
    graded(world, "C")
    client = signed_in(world, "bureau")
    assert f"{LIST}add/" in page(client.get(LIST))
    form = page(client.get(f"{LIST}add/"))
    assert "确定施行" not in form
    assert english_in(form, allowed={"esc"}) == []
    looked = page(client.post(f"{LIST}add/", said(step="look", commissioner_weekly_limit=1)))
    assert "确定施行" in looked
    assert "每周检查" in looked
    assert PatrolPolicy.objects.count() == 1
    changed = said(step="confirm", commissioner_weekly_limit=2, shown=shown_digest(looked))
    again = page(client.post(f"{LIST}add/", changed))
    assert "内容有改动" in again
    assert PatrolPolicy.objects.count() == 1
    sent = changed | {"shown": shown_digest(again)}
    assert client.post(f"{LIST}add/", sent).status_code == 302
    made = PatrolPolicy.objects.get(version=2)
    assert made.commissioner_weekly_limit == 2
    one = page(client.get(f"{LIST}{made.pk}/change/"))
    assert "待施行" in one
    assert f"{LIST}{made.pk}/take-back/" in one
    bare = client.post(f"{LIST}{made.pk}/take-back/", {"reason": ""})
    assert (bare.status_code, PatrolPolicy.objects.count()) == (200, 2)
    assert client.post(f"{LIST}{made.pk}/take-back/", {"reason": REASON}).status_code == 302
    assert PatrolPolicy.objects.count() == 1


def test_faults_stand_beside_their_fields_and_nothing_is_lost(world: World) -> None:
    client = signed_in(world, "bureau")
    html = page(
        client.post(f"{LIST}add/", said(step="look", closed_in_a_row=99, basis="局发〔2026〕6号")), 422
    )
    assert "应在 1 到 20 之间" in html
    assert "局发〔2026〕6号" in html
    html = page(client.post(f"{LIST}add/", said(step="confirm", in_force_on="2020-01-01")), 422)
    assert "最早从明天起施行" in html
    for strange in ("x", "99999999999999999999", ""):
        page(
            client.post(f"{LIST}add/", said(step="look", worker_daily_limit=strange)),
            400 if strange != "9" * 20 else 422,
        )
    assert PatrolPolicy.objects.count() == 1


def test_others_look_and_add_nothing(world: World) -> None:
    first = PatrolPolicy.objects.get()
    for username, sees in (("leader", 200), ("office-01", 200), ("auditor", 200), ("commissioner-01", 403)):
        client = signed_in(world, username)
        assert client.get(LIST).status_code == sees
        assert client.get(f"{LIST}add/").status_code == 403
        assert client.post(f"{LIST}add/", said(step="confirm")).status_code == 403
        assert client.post(f"{LIST}{first.pk}/take-back/", {"reason": REASON}).status_code == 403
    assert (
        signed_in(world, "bureau").post(f"{LIST}{first.pk}/take-back/", {"reason": REASON}).status_code == 403
    )


def test_the_page_costs_the_same_for_few_and_many(world: World) -> None:
    client, counts = signed_in(world, "bureau"), []
    graded(world, "C")
    page(client.post(f"{LIST}add/", said(step="look")))
    for number in (1, 2, 3):
        with CaptureQueriesContext(connection) as found:
            page(client.post(f"{LIST}add/", said(step="look")))
        counts.append(len(found))
        graded(world, "D", number)
    assert counts[0] == counts[2] <= 24, counts
