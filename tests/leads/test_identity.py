"""Who told a lead: sealed, opened by one role with a reason, sealed anew, removed in time."""

from __future__ import annotations

import uuid
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from grids.demo import World
from kernel import clock, sealed
from kernel.journal.models import Entry
from kernel.offline import queue
from leads import identity, reporters
from leads.identity import Identity
from leads.models import LeadReporter
from tests.factories import citizens
from tests.factories import leads as made
from tests.factories.citizens import NAME, PHONE
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db
REASON = {"reason": "回访核实处置情况"}


def test_the_keeper_is_shown_who_told_it_and_it_is_noted(world: World, api: Api) -> None:
    lead = citizens.reported(world)
    keeper = world.user("keeper")
    for path, body in (
        (f"leads/{lead.pk}/reporter/reveal/", REASON),
        ("reporters/reveal/", {"number": lead.number.lower(), **REASON}),
    ):
        answer = api.post(keeper, path, body)
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "no-store"
        told = answer.json()
        assert (told["name"], told["phone"], told["number"]) == (NAME, PHONE, lead.number)
    entries = Entry.objects.filter(stream=lead.stream, kind="reporter.revealed")
    assert [(e.actor_name, e.data) for e in entries] == [(keeper.name, REASON)] * 2


def test_the_reason_is_asked_for_and_names_nobody(world: World, api: Api) -> None:
    lead = citizens.reported(world)
    path = f"leads/{lead.pk}/reporter/reveal/"
    short = api.post(world.user("keeper"), path, {"reason": "看 "})
    assert (short.status_code, code_of(short)) == (422, "reason_required")
    assert not Entry.objects.filter(kind="reporter.revealed").exists()
    api.post(world.user("keeper"), path, {"reason": f"联系{NAME}，{PHONE}，13712345678"})
    (entry,) = Entry.objects.filter(kind="reporter.revealed")
    assert entry.data == {"reason": "联系诸**，139****1357，137****5678"}


@pytest.mark.parametrize(
    ("who", "by_id", "by_number"),
    [
        ("bureau", 403, 403),
        ("clerk-01", 403, 403),
        ("worker-01-1", 403, 403),
        ("auditor", 403, 403),
        ("admin", 404, 403),
        ("worker-21-1", 404, 403),
    ],
)
def test_nobody_else_is(world: World, api: Api, who: str, by_id: int, by_number: int) -> None:
    lead = citizens.reported(world)
    user = world.user(who)
    assert api.post(user, f"leads/{lead.pk}/reporter/reveal/", REASON).status_code == by_id
    for number in (lead.number, "XS20260310-999999"):
        assert api.post(user, "reporters/reveal/", {"number": number, **REASON}).status_code == by_number
    assert not Entry.objects.filter(kind="reporter.revealed").exists()


def test_what_cannot_be_shown_says_why(world: World, api: Api, settings: Any) -> None:
    keeper = world.user("keeper")
    own = made.reported(world)
    assert code_of(api.post(keeper, f"leads/{own.pk}/reporter/reveal/", REASON)) == "no_reporter"
    unknown = api.post(keeper, "reporters/reveal/", {"number": "XS1", **REASON})
    assert unknown.status_code == 404
    assert api.post(keeper, f"leads/{2**62}/reporter/reveal/", REASON).status_code == 404
    lead = citizens.reported(world)
    settings.SUOSHE_IDENTITY_KEY = "another-key-" + "z" * 50
    broken = api.post(keeper, f"leads/{lead.pk}/reporter/reveal/", REASON)
    assert (broken.status_code, code_of(broken)) == (409, "seal_broken")
    assert reporters.identity_of(lead) is None


# --- keys ------------------------------------------------------------------------------------------


def test_the_newest_key_seals_and_all_open(world: World, settings: Any) -> None:
    old, new = settings.SUOSHE_IDENTITY_KEY, "n" * 25 + "0123456789" * 3
    lead = citizens.reported(world)
    uid_before = identity.fingerprint(name=NAME, phone=PHONE)
    settings.SUOSHE_IDENTITY_KEY = f" {new} , {old} "
    assert identity.fingerprint(name=NAME, phone=PHONE) == uid_before
    later = citizens.reported(world)
    for one in (lead, later):
        told = reporters.identity_of(one)
        assert told is not None
        assert (told.name, told.phone) == (NAME, PHONE)
    out = StringIO()
    call_command("reseal_identities", stdout=out)
    assert "1" in out.getvalue()
    assert reporters.KEEPING.reseal() == (0, 0)
    settings.SUOSHE_IDENTITY_KEY = new
    assert all(reporters.identity_of(one) is not None for one in (lead, later))
    settings.SUOSHE_IDENTITY_KEY = "other" * 12
    with pytest.raises(CommandError, match="2"):
        call_command("reseal_identities", stdout=StringIO())


def test_every_sealed_column_is_sealed_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that the command forgot would be lost with the old key."""
    resealed = set()

    def noted(rows: QuerySet[Any], column: str) -> tuple[int, int]:
        resealed.add(f"{rows.model._meta.label}.{column}")
        return 0, 0

    monkeypatch.setattr(sealed, "reseal", noted)
    call_command("reseal_identities", stdout=StringIO())
    kept = {
        f"{model._meta.label}.{column.name}"
        for model in apps.get_models()
        for column in model._meta.concrete_fields
        if "sealed" in column.name.split("_") and column.get_internal_type() != "DateTimeField"
        if not model._meta.proxy
    }
    assert resealed == kept


def test_what_waits_of_an_offline_phone_is_sealed_anew(world: World, settings: Any) -> None:
    old = settings.SUOSHE_IDENTITY_KEY
    given = queue.Queued(client_uid=uuid.uuid4(), path="leads/", body={"reporter": NAME})
    row, _ = queue.accept(given, by=world.worker(1), at=clock.now(), skew_s=None)
    settings.SUOSHE_IDENTITY_KEY = "n" * 55 + "," + old
    assert (queue.reseal(), queue.reseal()) == ((1, 0), (0, 0))
    settings.SUOSHE_IDENTITY_KEY = "n" * 55
    row.refresh_from_db()
    assert queue.body_of(row) == {"reporter": NAME}


def test_a_seal_says_nothing() -> None:
    token = identity.seal(name=NAME, phone=PHONE)
    assert token != identity.seal(name=NAME, phone=PHONE)
    assert NAME.encode() not in token
    told = identity.opened(token)
    assert NAME not in repr(told)
    assert PHONE not in f"{told} {told!r}"
    with pytest.raises(sealed.SealBroken):
        identity.opened(token[:-3] + b"xyz")


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("找诸葛青岚，139 0538 1357", "找诸**，139****1357"),
        ("+86-139-0538-1357 不是 23905381357", "139****1357 不是 23905381357"),
        ("电话１３９０５３８１３５７", "电话139****1357"),
        ("没有提到谁", "没有提到谁"),
    ],
)
def test_name_and_number_are_hidden_in_what_was_written(text: str, hidden: str) -> None:
    assert Identity(NAME, PHONE).hidden_in(text) == hidden


def test_a_name_of_one_character_tears_nothing_apart() -> None:
    assert Identity("王", "1").hidden_in("王记面馆 1 号") == "王记面馆 1 号"


# --- keeping ---------------------------------------------------------------------------------------


def test_two_years_after_closing_it_is_removed_and_a_tombstone_stays(world: World, api: Api) -> None:
    lead, still_open = citizens.closed(world), citizens.reported(world)
    assert lead.closed_at is not None
    made.stand_at(lead.closed_at + timedelta(days=730) - timedelta(seconds=1))
    assert reporters.KEEPING.forget_expired() == 0
    made.stand_at(lead.closed_at + timedelta(days=730))
    assert reporters.KEEPING.forget_expired() == 1
    assert reporters.KEEPING.forget_expired() == 0
    row = LeadReporter.objects.get(lead=lead)
    assert (bytes(row.sealed), row.removed_at) == (b"", lead.closed_at + timedelta(days=730))
    assert LeadReporter.objects.get(lead=still_open).removed_at is None
    assert Entry.objects.filter(stream=lead.stream, kind="reporter.removed").count() == 1
    gone = api.post(world.user("keeper"), f"leads/{lead.pk}/reporter/reveal/", REASON)
    assert (gone.status_code, code_of(gone)) == (410, "identity_removed")


def test_a_tombstone_holds_nothing(world: World) -> None:
    lead = citizens.reported(world)
    with pytest.raises(IntegrityError), transaction.atomic():
        LeadReporter.objects.filter(lead=lead).update(removed_at=made.TUESDAY)
