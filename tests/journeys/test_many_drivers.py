"""Two beats and two clocks at once: every clock fires once, every breach raises one order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db.models import Count

from kernel import clock
from kernel.deadlines.models import Event
from leads.models import SupervisionOrder
from tests.journeys.town import FIRES_AFTER, Town, clocks, local
from tests.stack import wait_until

LEADS = 15


@pytest.fixture(scope="module")
def more_drivers(town: Town) -> Iterator[None]:
    town.stack.start_as("clock-2", "clock")
    town.stack.start_as("beat-2", "beat")
    wait_until(lambda: "clock_started" in town.stack.log("clock-2"), what="the second clock")
    yield
    town.stack.stop("beat-2", "clock-2")


def test_each_breach_has_one_event_and_one_order(town: Town, more_drivers: None) -> None:
    town.by_day()
    made = [town.report(1 + place % 20, description=f"第 {place} 件") for place in range(LEADS)]
    ids = [lead["id"] for lead in made]
    for kind in ("respond_80", "respond"):
        last = max(local(clocks(lead)[kind]["due_at"]) for lead in made)
        clock.set_to(last + FIRES_AFTER)
        wait_until(lambda of=kind: Event.objects.filter(
            subject_kind="lead", subject_id__in=ids, kind=of).count() == LEADS,
            within_s=20, what=f"{LEADS} × {kind}")  # fmt: skip
    orders = SupervisionOrder.objects.filter(lead__in=ids).values("lead").annotate(n=Count("pk"))
    assert sorted((row["lead"], row["n"]) for row in orders) == [(pk, 1) for pk in sorted(ids)]
    entries = town.bureau.get(f"leads/{ids[0]}/timeline/").body["entries"]
    assert [one["kind"] for one in entries].count("order.raised") == 1
    assert [one["kind"] for one in entries].count("clock.respond") == 1
    for lead in made[:3]:
        assert town.bureau.notices(lead["id"]) == []
        owner = town.phone(lead["assignee"]["username"])
        assert owner.notices(lead["id"]).count("leads.respond_late") == 1
    for place, lead_id in enumerate(ids):
        town.finish(lead_id, 1 + place % 20)


def test_answers_that_meet_the_sweep_are_in_time_or_late_and_never_both(
    town: Town, more_drivers: None
) -> None:
    town.by_day()
    made = [town.report(1 + place, description=f"第 {place} 件") for place in range(LEADS)]
    asked = [(town.phone(lead["assignee"]["username"]).twin(), f"leads/{lead['id']}/") for lead in made]
    seen = [phone.get(path).etag for phone, path in asked]
    first = min(local(clocks(lead)["respond"]["due_at"]) for lead in made)
    clock.set_to(first - timedelta(milliseconds=150))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda one: one[0][0].post(f"{one[0][1]}respond/", {}, if_match=one[1]),
                                zip(asked, seen, strict=True)))  # fmt: skip
    for phone, _ in asked:
        phone.close()
    assert [one.status for one in answers] == [200] * LEADS
    for answer in answers:
        respond = clocks(answer.body)["respond"]
        in_time = local(answer.body["responded_at"]) < local(respond["due_at"])
        assert respond["state"] == ("met" if in_time else "breached")
        orders = town.bureau.orders(answer.body["id"])
        assert [one["cause"] for one in orders] == ([] if in_time else ["respond"])
    for place, lead in enumerate(made):
        town.finish(lead["id"], 1 + place)
