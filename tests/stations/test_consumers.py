"""Who complains: sealed, masked, shown to handlers with a reason, removed in time (DOMAIN.md §7)."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from kernel.errors import DomainError
from kernel.journal.models import Entry
from stations import agreements, consumers, tasks
from stations.models import Agreement, DisputeConsumer
from tests.factories import stations as made
from tests.factories.leads import pass_time
from tests.factories.stations import NAME, PHONE, Place

pytestmark = pytest.mark.django_db
WHY = "联系消费者约定调解时间"
YEARS = timedelta(days=731)


def refused(around: Place, dispute_id: int, who: Any, why: str = WHY) -> str:
    with pytest.raises(DomainError) as caught:
        consumers.reveal(dispute_id=dispute_id, by=around.again(who), reason=why)
    return caught.value.code


def test_no_text_and_no_row_shows_who_complains(around: Place) -> None:
    spaced = f"{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}"
    said = f"{NAME}说：打我{spaced}，退钱"
    row = made.taken(
        around, description=said, goods=f"{NAME}的大衣", entity_id=None, entity_name=f"{NAME}楼下店"
    )
    kept = DisputeConsumer.objects.get(dispute=row)
    assert (kept.masked_name, kept.masked_phone) == ("诸**", "139****1357")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(d)::text || row_to_json(c)::text || (SELECT string_agg(data::text, '')"
            " FROM journal_entry WHERE stream = 'dispute:' || d.id) FROM stations_dispute d"
            " JOIN stations_disputeconsumer c ON c.dispute_id = d.id WHERE d.id = %s",
            [row.pk],
        )
        everything = cursor.fetchone()[0]
    for secret in (NAME, PHONE, spaced):
        assert secret not in everything
    told = consumers.identity_of(row)
    assert told is not None
    assert (told.name, told.phone) == (NAME, PHONE)
    assert NAME not in repr(told)


def test_a_long_text_that_masking_makes_longer_still_fits(around: Place) -> None:
    row = made.taken(around, name="王五", description="王五" * 1000)
    assert len(row.description) == 2000


def test_handlers_see_it_with_a_reason_that_stays(around: Place) -> None:
    row = made.taken(around)
    for who in (around.mediator, around.community_head):
        shown = consumers.reveal(dispute_id=row.pk, by=around.again(who), reason=f"{WHY}，{NAME}，{PHONE}")
        assert (shown.number, shown.identity.phone) == (row.number, PHONE)
    entry = Entry.objects.filter(stream=row.stream, kind="consumer.revealed").order_by("seq").last()
    assert entry is not None
    assert entry.actor_id == around.community_head.pk
    assert entry.data == {"reason": f"{WHY}，诸**，139****1357"}
    row.refresh_from_db()
    assert row.version == 1


def test_nobody_else_does(around: Place) -> None:
    row = made.taken(around)
    assert refused(around, row.pk, around.mediator, "看") == "reason_required"
    for who in (around.clerk, around.section, around.world.user("bureau"), around.world.user("auditor")):
        assert refused(around, row.pk, who) == "not_handler", who
    for who in (around.world.worker(1), around.world.commissioner(1), around.world.clerk_of(21)):
        assert refused(around, row.pk, who) == "not_found", who
    assert refused(around, 2**70, around.mediator) == "not_found"
    filed = made.filed(around)
    assert refused(around, filed.pk, around.mediator) == "not_handler"
    shown = consumers.reveal(dispute_id=filed.pk, by=around.again(around.clerk), reason=WHY)
    assert shown.identity.name == NAME


def test_kept_as_long_as_the_limit_and_then_emptied(around: Place) -> None:
    ended, still_open = made.settled(around), made.taken(around)
    assert consumers.KEEPING.forget_expired() == 0
    at = pass_time(YEARS, fire=False)
    tasks.forget_consumers()
    kept = DisputeConsumer.objects.get(dispute=ended)
    assert (bytes(kept.sealed), kept.masked_phone, kept.removed_at) == (b"", "", at)
    assert consumers.identity_of(ended) is None
    assert consumers.identity_of(still_open) is not None
    assert Entry.objects.filter(stream=ended.stream, kind="consumer.removed").count() == 1
    assert refused(around, ended.pk, around.mediator) == "identity_removed"
    assert consumers.KEEPING.forget_expired() == 0


def test_a_new_key_seals_it_anew(around: Place, settings: Any) -> None:
    row = made.taken(around)
    before = bytes(DisputeConsumer.objects.get(dispute=row).sealed)
    new = "n" * 25 + "0123456789" * 3
    settings.SUOSHE_IDENTITY_KEY = f"{new},{settings.SUOSHE_IDENTITY_KEY}"
    call_command("reseal_identities", stdout=StringIO())
    after = bytes(DisputeConsumer.objects.get(dispute=row).sealed)
    assert after != before
    settings.SUOSHE_IDENTITY_KEY = new
    told = consumers.identity_of(row)
    assert told is not None
    assert told.phone == PHONE
    settings.SUOSHE_IDENTITY_KEY = "another-key-" + "z" * 50
    assert consumers.identity_of(row) is None
    assert refused(around, row.pk, around.mediator) == "seal_broken"


def test_a_new_key_seals_agreements_anew_and_nothing_else_of_them_moves(around: Place, settings: Any) -> None:
    rows = [made.agreed(around), made.performed(around)]
    old = settings.SUOSHE_IDENTITY_KEY
    agreements_then = list(Agreement.objects.order_by("id").values_list("digest", "state"))
    settings.SUOSHE_IDENTITY_KEY = "n" * 25 + "0123456789" * 3 + f",{old}"
    assert agreements.reseal() == (8, 0)
    assert agreements.reseal() == (0, 0)
    settings.SUOSHE_IDENTITY_KEY = settings.SUOSHE_IDENTITY_KEY.split(",")[0]
    for row in rows:
        signed = agreements.opened(row.agreements.get())
        assert signed["number"] == row.agreements.get().number
    assert list(Agreement.objects.order_by("id").values_list("digest", "state")) == agreements_then
    for change in ({"sealed_content": b"x", "terms": "别的"}, {"digest": "0" * 64}):
        with pytest.raises(IntegrityError, match="stations_agreement_frozen"), transaction.atomic():
            Agreement.objects.filter(dispute=rows[1]).update(**change)
