"""等级申诉 and 信用修复: who enters, who decides, what follows at once (DOMAIN.md §4)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from credit import appeals, questions, repairs
from credit.models import Appeal, CreditAssessment, CreditFact, CreditStanding, DirtyEntity
from credit.models.asking import Outcome
from grids.access import forget
from grids.demo import World
from grids.models import Posting
from kernel import approvals
from kernel.accounts.models import User
from kernel.approvals.models import Approval
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused, StaleVersion
from kernel.evidence.models import Evidence
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.credit import asked
from tests.credit.asked import appealed, fallen, newest, penalised, repaired, take_any
from tests.factories.house import keep_photo
from tests.factories.leads import TUESDAY, let_clocks_fire, stand_at


def section(world: World) -> User:
    return world.user("section-credit")


def decided(
    world: World, number: int, *, by: User | None = None, uphold: bool = True, **more: object
) -> Appeal:
    return appeals.decide(
        appeal_id=number,
        by=by or section(world),
        uphold=uphold,
        expect=take_any,
        note="经核实，该处罚决定已被撤销",
        **more,  # type: ignore[arg-type]
    )


# --- asking ----------------------------------------------------------------------------------------


def test_an_appeal_waits_for_the_section_and_stands_in_the_shops_journal(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    assert (row.state, row.version) == (Outcome.WAITING, 1)
    approval = Approval.objects.of(appeals.KIND, row.pk).get()
    assert approval.payload["barred"] == []
    told = OutboxMessage.objects.filter(subject_kind="approval", subject_id=approval.pk)
    assert set(told.values_list("recipient", flat=True)) == {section(world).pk}
    assert Entry.objects.filter(stream=f"entity:{shop.pk}", kind="credit.appealed").count() == 1
    assert "正在审核" in appeals.answer_text(row)


@pytest.mark.parametrize(("days", "fits"), [(15, True), (16, False)])
def test_fifteen_days_by_the_calendar(world: World, days: int, fits: bool) -> None:
    shop, fact = fallen(world)
    stand_at(TUESDAY + timedelta(days=days, hours=13))
    if fits:
        appealed(world, shop, fact)
    else:
        with pytest.raises(Conflict) as refused:
            appealed(world, shop, fact)
        assert refused.value.code == "too_late"
        assert "2026年3月25日" in refused.value.detail


def test_the_same_request_gives_the_same_appeal(world: World) -> None:
    shop, fact = fallen(world)
    given = appeals.Given(shop.pk, newest(shop).pk, asked.entry(), (fact.pk,))
    first, created = appeals.ask(given=given, by=world.worker(1))
    again, created_again = appeals.ask(given=given, by=world.worker(1))
    assert (created, created_again, first.pk) == (True, False, again.pk)
    other = dataclasses.replace(given, disputed=())
    with pytest.raises(Conflict) as refused:
        appeals.ask(given=other, by=world.worker(1))
    assert refused.value.code == "client_uid_conflict"


def test_one_appeal_waits_and_one_decision_is_the_last(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    with pytest.raises(Conflict) as refused:
        appealed(world, shop, fact, by=world.commissioner(1))
    assert refused.value.code == "already_waiting"
    decided(world, row.pk, uphold=False)
    with pytest.raises(Conflict) as refused:
        appeals.ask(
            given=appeals.Given(shop.pk, row.assessment_id, asked.entry(), (fact.pk,)), by=world.worker(1)
        )
    assert refused.value.code == "already_decided"


@pytest.mark.parametrize("who", ["community-01", "bureau", "section-credit", "auditor"])
def test_only_who_serves_the_shop_enters_for_it(world: World, who: str) -> None:
    shop, fact = fallen(world)
    with pytest.raises(NotAllowed) as refused:
        appealed(world, shop, fact, by=world.user(who))
    assert refused.value.code == "may_not_enter"


@pytest.mark.parametrize("who", ["worker-21-1", "police", "admin"])
def test_to_others_there_is_no_such_shop(world: World, who: str) -> None:
    shop, fact = fallen(world)
    with pytest.raises(NotVisible):
        appealed(world, shop, fact, by=world.user(who))


def test_what_the_register_says_is_corrected_in_the_register(world: World) -> None:
    shop, _ = fallen(world)
    story = asked.Story(on=asked.DAY)
    story.licence(left=-3)
    licence = asked.keep(story, shop.pk)[0]
    with pytest.raises(Refused) as refused:
        appealed(world, shop, licence)
    assert refused.value.code == "correct_register"
    _elsewhere, foreign = fallen(world, 2)
    with pytest.raises(Refused) as refused:
        appealed(world, shop, foreign)
    assert refused.value.code == "unknown_fact"


# --- deciding --------------------------------------------------------------------------------------


def test_upheld_it_is_graded_anew_at_once_and_the_fall_taken_back(world: World) -> None:
    shop, fact = fallen(world)
    row = decided(world, appealed(world, shop, fact).pk)
    assert (row.state, row.version) == (Outcome.UPHELD, 2)
    standing = CreditStanding.objects.get(pk=shop.pk)
    # Without the penalty: 100 − 8 participation − 6 sample − 6 complaints = 80, a B; it stood in A before.
    assert (str(standing.total), standing.computed_grade, standing.effective_grade) == ("80.00", "B", "B")
    assert newest(shop).trigger == CreditAssessment.Trigger.APPEAL
    shop.refresh_from_db()
    assert shop.credit_grade == "B"
    gone = CreditFact.objects.get(entity=shop, kind="WITHDRAWN")
    assert (gone.ref, gone.by) == (fact.source, section(world))
    text = appeals.answer_text(row, facts=appeals.withdrawn_by([row])[row.pk], grade="B")
    assert text.startswith(f"{shop.name}：您对2026年3月10日信用等级评定（C级）的申诉，经审核成立")
    assert "行政处罚" in text
    assert text.endswith("现执行等级为B级。")


def test_what_was_withheld_by_movement_comes_back_with_its_old_date(world: World) -> None:
    """All that brought the fall was untrue: it stands where it stood, since when it stood there."""
    shop, _ = fallen(world)
    stand_at(TUESDAY + timedelta(days=3))
    facts = CreditFact.objects.filter(entity=shop, kind__in=["PENALTY", "SAMPLE_FAILED", "COMPLAINT"])
    decided(world, appealed(world, shop, *facts).pk)
    standing = CreditStanding.objects.get(pk=shop.pk)
    assert (standing.effective_grade, standing.effective_since) == ("A", asked.DAY)
    assert standing.held_by == []


def test_an_appeal_raises_nobody_above_where_it_stood(world: World) -> None:
    """It fell from B; without the facts it would be an A: up to B at once, to A at a review only."""
    story = asked.good(participation=False)
    story.times(2, "COMPLAINT", "SUBSTANTIATED", ago=1)
    story.add("SAMPLE_FAILED", ago=1)
    shop = asked.shop_with(world, story)
    assert CreditStanding.objects.get(pk=shop.pk).effective_grade == "B"
    more = asked.Story(on=asked.DAY)
    more.add("PENALTY", "GRAVE", "penalty:1", ago=1)
    asked.keep(more, shop.pk)
    assert asked.grade(shop).effective_grade == "C"
    facts = CreditFact.objects.filter(entity=shop, kind__in=["PENALTY", "SAMPLE_FAILED", "COMPLAINT"])
    decided(world, appealed(world, shop, *facts).pk)
    standing = CreditStanding.objects.get(pk=shop.pk)
    assert (standing.computed_grade, standing.effective_grade) == ("A", "B")
    assert standing.held_by == ["MIN_STAY"]


def test_the_decision_may_name_other_facts(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop)
    with pytest.raises(Conflict) as refused:
        decided(world, row.pk)
    assert refused.value.code == "name_facts"
    decided(world, row.pk, withdrawn=[fact.pk])
    assert CreditFact.objects.filter(entity=shop, kind="WITHDRAWN").count() == 1


def test_a_refusal_says_why_and_changes_nothing(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    before = newest(shop)
    with pytest.raises(Refused) as refused:
        appeals.decide(appeal_id=row.pk, by=section(world), uphold=False, expect=take_any)
    assert refused.value.code == "reason_required"
    row = decided(world, row.pk, uphold=False)
    again = decided(world, row.pk, uphold=False)
    assert (again.pk, again.version, again.state) == (row.pk, 2, Outcome.REFUSED)
    assert newest(shop) == before
    assert "原评定结果不变" in appeals.answer_text(again)
    with pytest.raises(Conflict):
        decided(world, row.pk, uphold=True)


def test_nobody_decides_his_own_nor_what_he_recorded(world: World) -> None:
    shop, _ = fallen(world)
    fact = CreditFact.objects.create(
        entity=shop, kind="COMPLAINT", level="SUBSTANTIATED", ref="dispute:1", at=TUESDAY,
        happened_on=asked.DAY, source="dispute:1:c", by=section(world), recorded_at=TUESDAY,
    )  # fmt: skip
    row = appealed(world, shop, fact)
    with pytest.raises(NotAllowed) as refused:
        decided(world, row.pk)
    assert refused.value.code == "not_decider"
    with pytest.raises(NotAllowed) as refused:
        decided(world, row.pk, by=world.worker(1))
    assert refused.value.code == "own_request"
    with pytest.raises(NotAllowed):
        decided(world, row.pk, by=world.head_of(1))


def test_the_bureau_decides_where_the_section_has_nobody(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    bureau = world.user("bureau")
    with pytest.raises(NotAllowed):
        decided(world, row.pk, by=bureau)
    held = Posting.objects.filter(role="BUREAU_SECTION", section="CREDIT")
    held.update(ends_at=TUESDAY - timedelta(days=1), starts_at=TUESDAY - timedelta(days=9))
    forget(bureau)
    assert decided(world, row.pk, by=bureau).state == Outcome.UPHELD


def test_silence_brings_the_bureau_in_and_the_appeal_stays(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    stand_at(TUESDAY + timedelta(days=30))
    let_clocks_fire()
    row.refresh_from_db()
    assert row.state == Outcome.WAITING
    bureau = world.user("bureau")
    forget(bureau)
    assert decided(world, row.pk, by=bureau).state == Outcome.UPHELD


def test_it_is_decided_through_the_list_of_approvals_too(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    waiting = Approval.objects.for_decision_by(section(world))
    assert waiting.count() == 1
    approvals.decide(approval_id=waiting[0].pk, by=section(world), approve=True, expect=take_any)
    row.refresh_from_db()
    assert row.state == Outcome.UPHELD


def test_a_stale_version_decides_nothing(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)

    def stale(version: int) -> None:
        raise StaleVersion(str(version))

    with pytest.raises(StaleVersion):
        appeals.decide(appeal_id=row.pk, by=section(world), uphold=True, expect=stale)


def test_it_is_taken_back_by_who_entered_it(world: World) -> None:
    shop, fact = fallen(world)
    row = appealed(world, shop, fact)
    with pytest.raises(NotAllowed):
        appeals.take_back(appeal_id=row.pk, by=world.commissioner(1), expect=take_any)
    for _ in range(2):
        row = appeals.take_back(appeal_id=row.pk, by=world.worker(1), expect=take_any)
    assert (row.state, row.version) == (Outcome.WITHDRAWN, 2)
    assert not Approval.objects.of(appeals.KIND, row.pk).waiting().exists()
    appealed(world, shop, fact)  # and may be entered again


def test_files_are_bound_and_seen_by_who_decides(world: World) -> None:
    shop, fact = fallen(world)
    photo = keep_photo(world.worker(1))
    given = appeals.Given(shop.pk, newest(shop).pk, asked.entry(proof=photo), (fact.pk,))
    row, _ = appeals.ask(given=given, by=world.worker(1))
    assert row.evidence == [photo.sha256]
    assert Evidence.objects.visible_to(section(world)).filter(pk=photo.pk).exists()
    assert not Evidence.objects.visible_to(world.worker(21)).filter(pk=photo.pk).exists()


def test_a_file_named_before_it_came_is_bound_on_arrival(world: World) -> None:
    shop, fact = fallen(world)
    sha = "3f" * 32
    entry = dataclasses.replace(asked.entry(), awaited=(sha,))
    row, _ = appeals.ask(given=appeals.Given(shop.pk, newest(shop).pk, entry, (fact.pk,)), by=world.worker(1))
    photo = keep_photo(world.worker(1))
    photo.sha256 = sha
    questions.arrived(photo)
    photo.refresh_from_db()
    assert (photo.subject_kind, photo.subject_id) == (appeals.KIND, row.pk)


# --- repair ----------------------------------------------------------------------------------------


def test_a_repaired_penalty_costs_nothing(world: World) -> None:
    shop, fact = penalised(world, "ORDINARY", ago=120)
    before = CreditStanding.objects.get(pk=shop.pk)
    row = repairs.decide(repair_id=repaired(world, fact).pk, by=section(world), uphold=True, expect=take_any)
    after = CreditStanding.objects.get(pk=shop.pk)
    assert row.state == Outcome.UPHELD
    assert (str(before.i6), str(after.i6)) == ("9.00", "15.00")
    assert CreditFact.objects.get(kind="PENALTY_REPAIRED").ref == fact.ref
    assert DirtyEntity.objects.filter(entity=shop).exists()
    with pytest.raises(Conflict) as refused:
        repaired(world, fact)
    assert refused.value.code == "already_repaired"


@pytest.mark.parametrize(
    ("level", "ago", "fits"), [("LIGHT", 0, True), ("ORDINARY", 80, False), ("GRAVE", 360, False)]
)
def test_a_penalty_must_have_stood_for_a_while(world: World, level: str, ago: int, fits: bool) -> None:
    _, fact = penalised(world, level, ago=ago)
    if fits:
        repaired(world, fact)
        with pytest.raises(Conflict) as refused:
            repaired(world, fact, by=world.worker(1))
        assert refused.value.code == "already_waiting"
    else:
        with pytest.raises(Conflict) as refused:
            repaired(world, fact)
        assert refused.value.code == "too_early"


def test_a_repair_needs_proof_and_a_penalty(world: World) -> None:
    shop, fact = penalised(world, "LIGHT", ago=1)
    with pytest.raises(Refused) as refused:
        repairs.ask(given=repairs.Given(fact.pk, asked.entry()), by=world.worker(1))
    assert refused.value.code == "evidence_required"
    other = CreditFact.objects.filter(entity=shop, kind="PLEDGE")[0]
    with pytest.raises(Refused) as refused:
        repaired(world, other)
    assert refused.value.code == "no_penalty"
