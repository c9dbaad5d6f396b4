"""红色合伙人: nominated, approved, suspended by itself, revoked; who bore the title when (DOMAIN.md §4)."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from credit import partners
from credit.grade_changes import GradeMove
from credit.models import RedPartner
from grids.demo import World
from grids.models import BusinessEntity
from kernel import approvals
from kernel.approvals.models import Approval
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.credit import asked
from tests.credit.asked import take_any
from tests.factories.leads import TUESDAY, stand_at

State = RedPartner.State


def the_best(world: World, *grades: str, total: str = "97.00") -> BusinessEntity:
    shop = asked.shop_with(world, asked.good())
    asked.reviewed(shop, *(grades or ("A", "A")), total=total)
    return shop


def nominated(world: World, shop: BusinessEntity, who: str = "community-01") -> RedPartner:
    given = partners.Given(shop.pk, uuid.uuid4(), "带头参加社区共治")
    return partners.nominate(given=given, by=world.user(who))[0]


def approved(world: World, shop: BusinessEntity, *, approve: bool = True) -> RedPartner:
    row = nominated(world, shop, world.community_head_of(1).username)
    waiting = Approval.objects.of(partners.KIND, row.pk).get()
    approvals.decide(
        approval_id=waiting.pk, by=world.head_of(1), approve=approve, expect=take_any, note="同意"
    )
    row.refresh_from_db()
    return row


def fall(shop: BusinessEntity) -> None:
    """Listed as 经营异常: C at once."""
    story = asked.Story(on=asked.DAY)
    story.add("ABNORMAL", "LISTED", f"abnormal:{shop.pk}", ago=0)
    asked.keep(story, shop.pk)
    assert asked.grade(shop).effective_grade == "C"


def test_nominated_and_approved(world: World) -> None:
    shop = the_best(world)
    row = approved(world, shop)
    assert (row.state, row.version, row.decided_by) == (State.ACTIVE, 2, world.head_of(1))
    assert partners.holding([shop.pk]) == {shop.pk}
    kinds = Entry.objects.filter(stream=f"entity:{shop.pk}", kind__startswith="red_partner").order_by("seq")
    assert list(kinds.values_list("kind", flat=True)) == ["red_partner.nominated", "red_partner.approved"]
    with pytest.raises(Conflict) as refused:
        nominated(world, shop, world.community_head_of(1).username)
    assert refused.value.code == "already_partner"


def test_a_refusal_names_all_that_is_missing(world: World) -> None:
    story = asked.good()
    story.add("PENALTY", "ORDINARY", "penalty:5", ago=200)
    shop = asked.shop_with(world, story)
    asked.reviewed(shop, "B", "A", total="84.00")
    with pytest.raises(Conflict) as refused:
        nominated(world, shop, world.community_head_of(1).username)
    assert refused.value.code == "not_eligible"
    assert "2026年1月评定为B级84.00分，未达标" in refused.value.detail
    assert "12个月内受过一般以上行政处罚" in refused.value.detail


@pytest.mark.parametrize("who", ["worker-01-1", "commissioner-01", "office-01", "bureau"])
def test_only_the_community_nominates(world: World, who: str) -> None:
    with pytest.raises(NotAllowed):
        nominated(world, the_best(world), who)


def test_another_community_does_not_know_the_shop(world: World) -> None:
    with pytest.raises(NotVisible):
        nominated(world, the_best(world), world.community_head_of(21).username)


def test_repeated_it_is_one_nomination(world: World) -> None:
    given = partners.Given(the_best(world).pk, uuid.uuid4(), "带头参加社区共治")
    who = world.community_head_of(1)
    (first, made), (again, made_again) = (partners.nominate(given=given, by=who) for _ in range(2))
    assert (first.pk, made, made_again) == (again.pk, True, False)


def test_who_fell_meanwhile_is_not_approved(world: World) -> None:
    shop = the_best(world)
    row = nominated(world, shop, world.community_head_of(1).username)
    fall(shop)
    waiting = Approval.objects.of(partners.KIND, row.pk).get()
    with pytest.raises(Conflict) as refused:
        approvals.decide(approval_id=waiting.pk, by=world.head_of(1), approve=True, expect=take_any)
    assert refused.value.code == "not_eligible"
    with pytest.raises(Refused):
        approvals.decide(approval_id=waiting.pk, by=world.head_of(1), approve=False, expect=take_any)
    with pytest.raises(NotVisible):
        approvals.decide(approval_id=waiting.pk, by=world.head_of(21), approve=False, expect=take_any)


def test_the_title_follows_the_grade_by_itself(world: World) -> None:
    shop = the_best(world)
    row = approved(world, shop)
    stand_at(TUESDAY + timedelta(days=1))
    fall(shop)
    row.refresh_from_db()
    assert (row.state, row.version) == (State.SUSPENDED, 3)
    assert partners.holding([shop.pk]) == set()
    told = OutboxMessage.objects.filter(template="credit.partner_suspended")
    people = set(told.values_list("recipient", flat=True))
    assert {world.community_head_of(1).pk, world.head_of(1).pk} <= people
    stand_at(TUESDAY + timedelta(days=2))
    partners.follow_grades([GradeMove(shop.pk, "C", "B", "SCORE", ())], TUESDAY + timedelta(days=2))
    row.refresh_from_db()
    assert (row.state, row.suspended_at) == (State.ACTIVE, None)


def test_who_bore_it_is_told_for_any_moment(world: World) -> None:
    shop = the_best(world)
    before = TUESDAY - timedelta(days=1)
    row = approved(world, shop)
    stand_at(TUESDAY + timedelta(days=2))
    fall(shop)
    stand_at(TUESDAY + timedelta(days=4))
    partners.revoke(partner_id=row.pk, by=world.head_of(1), expect=take_any, reason="不再经营")
    moments = [before, *(TUESDAY + timedelta(days=days) for days in (0, 1, 2, 3, 5))]
    assert [partners.count_at(one) for one in moments] == [0, 1, 1, 0, 0, 0]


def test_following_grades_costs_the_same_for_many(world: World) -> None:
    shop = the_best(world)
    approved(world, shop)
    for moves in (1, 400):
        told = [GradeMove(shop.pk + number, "B", "B", "SCORE", ()) for number in range(moves)]
        with CaptureQueriesContext(connection) as seen:
            partners.follow_grades(told, TUESDAY)
        assert len(seen) == 1


def test_revoked_with_a_reason_by_head_or_bureau(world: World) -> None:
    row = approved(world, the_best(world))
    with pytest.raises(Refused):
        partners.revoke(partner_id=row.pk, by=world.head_of(1), expect=take_any, reason=" ")
    for who in (world.community_head_of(1), world.commissioner(1), world.user("auditor")):
        with pytest.raises(NotAllowed):
            partners.revoke(partner_id=row.pk, by=who, expect=take_any, reason="弄虚作假")
    for _ in range(2):
        row = partners.revoke(partner_id=row.pk, by=world.user("bureau"), expect=take_any, reason="弄虚作假")
    assert (row.state, row.version) == (State.REVOKED, 3)
    with pytest.raises(Conflict):
        partners.revoke(partner_id=row.pk, by=world.head_of(1), expect=take_any, reason="又一次")
