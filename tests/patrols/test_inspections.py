"""每周查 is an administrative inspection: papers, officers, the cap (DOMAIN.md §3)."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.test import Client
from python_calamine import CalamineWorkbook

from grids import contacts, duplicates
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, DuplicatePair, EntityContact, Posting, Purpose
from grids.roles import Role
from kernel import clock
from kernel.accounts.models import User
from kernel.approvals import deciding
from kernel.approvals.models import Approval
from kernel.errors import DomainError
from kernel.journal.models import Entry
from leads.models import Lead
from patrols import cards, completion, doing, entering, over_cap
from patrols.given import Finding, Given
from patrols.kinds import How, Result, TaskKind, TaskState
from patrols.models import EnforcementCard, InspectionPaper, PatrolTask, PatrolVisit
from tests.factories.grids import make_entity
from tests.factories.leads import take_any
from tests.factories.visits import give_cards, papers, said, task_of

pytestmark = pytest.mark.django_db


def check(task: PatrolTask, by: User, given: Given) -> PatrolVisit:
    return doing.complete(task_id=task.pk, by=by, expect=take_any, given=given)


def refusal(task: PatrolTask, by: User, given: Given) -> DomainError:
    with pytest.raises(DomainError) as found:
        check(task, by, given)
    return found.value


def entered(shop: BusinessEntity, times: int) -> None:
    """Inspections of this year that went in, by whichever app."""
    at = clock.now() - timedelta(days=1)
    contacts.record(
        [
            Contact(shop.pk, Purpose.CAMPAIGN if turn % 2 else Purpose.CHECK, None, at, f"t:{shop.pk}:{turn}")
            for turn in range(times)
        ]
    )


def test_two_officers_with_their_papers(world: World) -> None:
    give_cards(world)
    task = task_of(world, TaskKind.WEEKLY_CHECK)
    visit = check(task, world.commissioner(1), said(papers=papers(world)))
    paper = InspectionPaper.objects.get(visit=visit)
    assert (paper.officer, paper.second_officer) == (world.commissioner(1), world.clerk_of(1))
    assert paper.officer_card == f"SD{world.commissioner(1).pk:06d}"
    assert (paper.entered, paper.year, paper.approval_no) == (True, 2026, "检批〔2026〕12号")
    contact = EntityContact.objects.get(entity=task.entity)
    assert (contact.purpose, contact.with_names) == ("CHECK", world.clerk_of(1).name)


def test_each_missing_thing_is_named(world: World) -> None:
    task, by = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    nothing = refusal(task, by, said())
    assert nothing.code == "papers_incomplete"
    for word in (
        "第二名执法人员",
        "检查依据",
        "审批编号",
        "通知书",
        "平台编号",
        f"{by.name}当日有效的执法证",
    ):
        assert word in nothing.detail
    give_cards(world)
    some = refusal(task, by, said(papers=papers(world, basis="", platform_no="")))
    assert some.detail == "检查文书不全，还缺：检查依据、省行政检查平台编号。"
    assert not PatrolVisit.objects.exists()


def test_each_check_of_a_shop_has_its_own_notice_and_platform_number(world: World) -> None:
    """Those of last week are not copied; another shop's is another matter."""
    give_cards(world)
    by, first = world.commissioner(1), task_of(world, TaskKind.WEEKLY_CHECK)
    check(first, by, said(papers=papers(world)))
    again = task_of(world, TaskKind.WEEKLY_CHECK, entity=first.entity, days_before=7)
    told = refusal(again, by, said(papers=papers(world, notice_no="检通〔2026〕13号")))
    assert (told.code, told.attr) == ("papers_used", "inspection.platform_no")
    assert told.detail == "省行政检查平台编号“SDXZJC202600012”已用于本户2026年3月10日的检查，请核对。"
    told = refusal(again, by, said(papers=papers(world, platform_no="SDXZJC202600013")))
    assert (told.code, told.attr) == ("papers_used", "inspection.notice_no")
    check(again, by, said(papers=papers(world, notice_no="检通〔2026〕13号", platform_no="SDXZJC202600013")))
    check(task_of(world, TaskKind.WEEKLY_CHECK), by, said(papers=papers(world)))


def test_the_workbook_of_papers_names_both_officers_and_their_cards(world: World, client: Client) -> None:
    give_cards(world)
    check(task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1), said(papers=papers(world)))
    client.force_login(world.head_of(1))
    sheet = client.get("/admin/patrols/inspectionpaper/?_export=xlsx").content
    head, row = CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
    told = dict(zip(head, row, strict=True))
    first, second = world.commissioner(1), world.clerk_of(1)
    assert told["检查人员一"] == f"{first.name}（SD{first.pk:06d}）"
    assert told["检查人员二"] == f"{second.name}（SD{second.pk:06d}）"


def test_a_card_that_has_run_out_is_none(world: World) -> None:
    give_cards(world, days=-1)
    told = refusal(task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1), said(papers=papers(world)))
    assert told.detail.count("当日有效的执法证") == 2


def test_never_a_grid_worker_never_oneself_never_a_stranger(world: World) -> None:
    give_cards(world)
    task, by = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    assert refusal(task, world.worker(1), said(papers=papers(world))).code == "not_your_task"
    assert refusal(task, by, said(papers=papers(world, second_officer_id=by.pk))).code == "same_officer"
    stranger = world.user("police")
    EnforcementCard.objects.create(officer=stranger, number="GA000001", expires_on=date(2030, 1, 1))
    told = refusal(task, by, said(papers=papers(world, second_officer_id=stranger.pk)))
    assert told.code == "not_an_officer"
    Posting.objects.filter(grid=world.grid(21), role=Role.GRID_WORKER, seat=1).update(user=world.clerk_of(1))
    assert "是网格员" in refusal(task, by, said(papers=papers(world))).detail


def test_shut_or_gone_nothing_was_inspected(world: World) -> None:
    task = task_of(world, TaskKind.WEEKLY_CHECK, grade="D")
    visit = check(task, world.commissioner(1), said(Result.CLOSED_TODAY))
    assert not InspectionPaper.objects.filter(visit=visit).exists()
    today = clock.today()
    assert completion.key_supervisions(today, today) == 0
    give_cards(world)
    refused = said(Result.REFUSED, papers=papers(world))
    check(task_of(world, TaskKind.WEEKLY_CHECK, grade="D"), world.commissioner(1), refused)
    assert completion.key_supervisions(today, today) == 1


def test_a_worker_who_stands_in_for_the_commissioner_does_no_check_at_a_shut_door_either(
    world: World,
) -> None:
    worker = world.worker(21)
    Posting.objects.filter(grid=world.grid(1), role=Role.COMMISSIONER).update(user=worker)
    told = refusal(task_of(world, TaskKind.WEEKLY_CHECK), worker, said(Result.CLOSED_TODAY))
    assert told.code == "not_an_officer"


def test_a_commissioners_finding_is_his_own_lead(world: World) -> None:
    give_cards(world)
    task = task_of(world, TaskKind.WEEKLY_CHECK)
    given = said(Result.PROBLEM, papers=papers(world), finding=Finding("F03", "后厨有老鼠"))
    check(task, world.commissioner(1), given)
    lead = Lead.objects.get()
    assert (lead.assignee, lead.reported_by) == (world.commissioner(1), world.commissioner(1))
    assert not lead.signatures.exists()


def test_at_the_cap_nobody_goes_in(world: World) -> None:
    give_cards(world)
    task, by = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    entered(task.entity, 24)
    assert refusal(task, by, said(papers=papers(world))).code == "cap_reached"
    visit = check(task, by, said(how=How.RECORDS, papers=papers(world)))
    assert InspectionPaper.objects.get(visit=visit).entered is False
    assert EntityContact.objects.filter(entity=task.entity).latest("id").entered is False
    task.refresh_from_db()
    assert task.state == TaskState.DONE


def test_the_cap_counts_every_entry_of_one_business(world: World) -> None:
    task, by = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    twin = make_entity(world, 1)
    entered(twin, 24)
    pair = DuplicatePair.objects.create(
        first=task.entity, second=twin, why="联系电话相同", found_at=clock.now()
    )
    duplicates.judge(pair_id=pair.pk, by=world.clerk_of(1), same=True)
    give_cards(world)
    assert refusal(task, by, said(papers=papers(world))).code == "cap_reached"


def test_one_below_the_cap_may_be_entered_and_without_entering_may_not(world: World) -> None:
    give_cards(world)
    task, by = task_of(world, TaskKind.WEEKLY_CHECK), world.commissioner(1)
    entered(task.entity, 23)
    check(task, by, said(papers=papers(world)))
    marked = task_of(world, TaskKind.WEEKLY_CHECK, without_entering=True)
    assert refusal(marked, by, said(papers=papers(world))).code == "cap_reached"
    check(marked, by, said(how=How.OUTSIDE, papers=papers(world)))


def test_while_the_bureau_is_asked_it_may_be_made_from_outside(world: World) -> None:
    give_cards(world)
    by = world.commissioner(1)
    agreed, open_still = (task_of(world, TaskKind.WEEKLY_CHECK, state=TaskState.ASKS) for _ in range(2))
    for task in (agreed, open_still):
        entered(task.entity, 24)
    shops = {task.pk: task.entity_id for task in (agreed, open_still)}
    over_cap.ask(shops, dict.fromkeys(shops.values(), 24), 24, clock.now())
    assert refusal(agreed, by, said(papers=papers(world))).code == "cap_reached"
    assert not entering.before(entity_id=agreed.entity_id, by=by).may_enter_for_check
    question = Approval.objects.get(subject_kind="patrol_task", subject_id=agreed.pk)
    deciding.decide(approval_id=question.pk, by=world.user("bureau"), approve=True, expect=take_any)
    assert entering.before(entity_id=agreed.entity_id, by=by).may_enter_for_check
    assert not entering.before(entity_id=open_still.entity_id, by=by).may_enter_for_check
    check(agreed, by, said(papers=papers(world)))
    check(open_still, by, said(how=How.RECORDS, papers=papers(world)))
    asked = Approval.objects.get(subject_kind="patrol_task", subject_id=open_still.pk)
    assert asked.state == "withdrawn"


# --- cards -----------------------------------------------------------------------------------------


def test_cards_are_kept_by_the_head_and_the_bureau(world: World) -> None:
    officer, until = world.commissioner(1), date(2027, 12, 31)
    card, created = cards.keep(officer_id=officer.pk, number="SD-1", expires_on=until, by=world.head_of(1))
    assert created
    assert cards.keep(officer_id=officer.pk, number="SD-1", expires_on=until, by=world.user("bureau")) == (
        card,
        False,
    )
    later, created = cards.keep(
        officer_id=officer.pk, number="SD-1", expires_on=date(2028, 1, 1), by=world.head_of(1)
    )
    assert (later.pk, created, later.expires_on) == (card.pk, False, date(2028, 1, 1))


@pytest.mark.parametrize(
    ("who", "officer", "code"),
    [
        ("office-04", "commissioner-01", "not_card_keeper"),
        ("commissioner-01", "commissioner-01", "not_card_keeper"),
        ("bureau", "worker-01-1", "not_an_officer"),
        ("bureau", "police", "not_an_officer"),
    ],
)
def test_nobody_else_and_never_for_a_worker(world: World, who: str, officer: str, code: str) -> None:
    with pytest.raises(DomainError) as found:
        cards.keep(
            officer_id=world.user(officer).pk, number="SD-9", expires_on=date(2027, 1, 1), by=world.user(who)
        )
    assert found.value.code == code


def test_a_card_has_one_owner_and_is_seen_in_the_office(world: World) -> None:
    give_cards(world)
    number = EnforcementCard.objects.get(officer=world.clerk_of(1)).number
    with pytest.raises(DomainError) as found:
        cards.keep(
            officer_id=world.commissioner(1).pk,
            number=number,
            expires_on=date(2027, 1, 1),
            by=world.user("bureau"),
        )
    assert found.value.code == "card_taken"
    seen = {name: EnforcementCard.objects.visible_to(world.user(name)).count() for name in SEES}
    assert seen == SEES


SEES = {"commissioner-01": 2, "office-01": 2, "bureau": 2, "worker-01-1": 0, "commissioner-21": 0, "admin": 0}


def test_the_admin_keeps_a_card_as_the_service_would(world: World, client: Client) -> None:
    head = world.head_of(1)
    client.force_login(head)
    page = "/admin/patrols/enforcementcard/add/"
    said = {"number": "SD-0100", "expires_on": "2027-12-31"}
    refused = client.post(page, {**said, "officer": world.worker(1).pk})
    assert "不是执法人员" in refused.content.decode()
    assert not EnforcementCard.objects.exists()
    kept = client.post(page, {**said, "officer": world.commissioner(1).pk})
    assert (kept.status_code, EnforcementCard.objects.get().number) == (302, "SD-0100")
    officer, card = world.commissioner(1), EnforcementCard.objects.get()
    assert "4至40位" in client.post(page, {**said, "number": "号", "officer": officer.pk}).content.decode()
    change = {"number": "SD-9999", "officer": world.clerk_of(1).pk, "expires_on": "2028-12-31"}
    assert client.post(f"/admin/patrols/enforcementcard/{card.pk}/change/", change).status_code == 302
    card.refresh_from_db()
    assert (card.officer, card.number, card.expires_on) == (officer, "SD-0100", date(2028, 12, 31))
    told = [one.data["before"] for one in Entry.objects.filter(stream=f"user:{officer.pk}", kind="card_kept")]
    assert told == [None, "2027-12-31"]
