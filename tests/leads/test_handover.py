"""Leads whose owner goes: one that cannot be handed on stops nobody; a stand-in on duty is on duty."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from grids import absences, postings
from grids.demo import World
from grids.models import DutyShift, Office, Posting
from kernel import clock
from kernel.accounts.models import User
from kernel.journal.models import Entry
from leads import dispatch, handover
from leads.acts import Act
from leads.models import Lead
from tests.factories import leads as made
from tests.factories.leads import TUESDAY, pass_time, stand_at

pytestmark = pytest.mark.django_db

NIGHT = TUESDAY.replace(hour=3)


def owner(lead: Lead) -> User | None:
    return Lead.objects.get(pk=lead.pk).assignee


def close_account(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def test_one_lead_that_cannot_be_handed_on_does_not_stop_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = made.reported(world), made.reported(world)
    close_account(world.commissioner(1))
    hand_on = dispatch.hand_on

    def failing(act: Act, **how: Any) -> bool:
        done = hand_on(act, **how)
        if act.lead.pk == bad.pk:
            raise ValueError("a bad row")
        return done

    monkeypatch.setattr(dispatch, "hand_on", failing)
    assert handover.sweep_vacant(batch=1) == 1
    assert owner(good) == world.commissioner(2)
    assert owner(bad) == world.commissioner(1), "undone as a whole"
    assert not Entry.objects.filter(stream=bad.stream, kind="lead.handed_on").exists()
    monkeypatch.undo()
    assert handover.sweep_vacant() == 1
    assert owner(bad) == world.commissioner(2)


def test_one_posting_that_cannot_be_wound_up_does_not_stop_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = clock.now()
    bad, good = world.posting_of("commissioner-01"), world.posting_of("commissioner-02")
    lead = made.reported(world, 2)
    Posting.objects.filter(pk__in=[bad.pk, good.pk]).update(ends_at=at)

    def failing(*, posting: Posting, at: datetime, by: User | None) -> None:
        if posting.pk == bad.pk:
            raise ValueError("a bad row")

    with monkeypatch.context() as broken:
        broken.setattr(postings, "_on_end", [*postings._on_end, failing])
        assert postings.wind_up_lapsed(at) == 1
    assert owner(lead) == world.commissioner(3)
    assert Posting.objects.get(pk=bad.pk).wound_up_at is None
    assert postings.wind_up_lapsed(at) == 1


def test_that_nobody_is_there_is_noted_once_an_owner(world: World) -> None:
    lead = made.reported(world)
    Posting.objects.update(ends_at=clock.now())
    DutyShift.objects.all().delete()
    for _ in range(3):
        assert handover.sweep_vacant() == 0
    [entry] = Entry.objects.filter(stream=lead.stream, kind="lead.nobody_to_hand_on_to")
    assert entry.data["owner_cycle"] == 1
    assert owner(lead) == world.commissioner(1)


def test_who_stands_in_for_the_duty_officer_keeps_what_he_was_given(world: World) -> None:
    Office.objects.update(night_dispatch=True)
    stand_at(NIGHT)
    absences.record(
        user=world.users["duty-01"], stand_in=world.users["deputy-01"], by=world.user("duty-01"), at=NIGHT,
        starts_at=NIGHT, ends_at=NIGHT + timedelta(hours=3),
    )  # fmt: skip
    lead = made.reported(world)
    assert lead.assignee == world.users["deputy-01"]
    assert handover.sweep_vacant() == 0
    pass_time(timedelta(hours=4))
    assert handover.sweep_vacant() == 1, "his leave is over, so the stand-in is nobody here"
