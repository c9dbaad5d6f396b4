"""What the auditor finds is kept, and told once."""

from __future__ import annotations

import pytest

from kernel.deadlines import audit, audit_runs, tasks, watchers
from kernel.deadlines.audit import Rule
from kernel.journal.models import Entry
from kernel.notices.models import OutboxMessage
from tests.factories.accounts import make_user
from tests.kernel.deadlines.conftest import MINUTE, Remembered, arm, states

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, db: None) -> int:
    person = make_user()
    monkeypatch.setattr(watchers, "_watchers", [lambda at: [person.pk]])
    return int(person.pk)


@pytest.fixture(autouse=True)
def _rules_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_rules", dict(audit._rules))


def notices() -> list[str]:
    rows = OutboxMessage.objects.filter(subject_kind="system").order_by("id")
    return list(rows.values_list("template", flat=True))


def test_before_the_first_run() -> None:
    assert audit_runs.latest() is None


def test_a_house_in_order_is_kept_and_tells_nobody(told: int) -> None:
    assert audit_runs.run() == []
    last = audit_runs.latest()
    assert last is not None
    assert last.is_well
    assert notices() == []


def test_a_fault_is_told_once_and_its_end_too(told: int, fired: Remembered) -> None:
    late = arm(due=-MINUTE)
    for _ in range(3):
        tasks.audit()
    assert notices() == ["deadlines.audit_faults"]
    row = OutboxMessage.objects.get()
    assert row.recipient_id == told
    assert row.params == {"count": 1, "what": f"到期超过 5 秒仍在计时：时限 {late.pk}"}
    another = arm(2, due=-MINUTE)
    tasks.audit()
    assert notices() == ["deadlines.audit_faults"] * 2
    last = audit_runs.latest()
    assert last is not None
    assert [(fault.rule, fault.ids) for fault in last.faults] == [("overdue", [late.pk, another.pk])]
    type(late).objects.update(state="cancelled", closed_at=late.due_at)
    assert set(states().values()) == {"cancelled"}
    tasks.audit()
    assert notices()[-1] == "deadlines.audit_well"
    assert Entry.objects.filter(stream="system:audit").count() == 5


def test_what_the_night_found_stays_until_the_next_night(told: int) -> None:
    found = [7]
    audit.register(Rule("dear", "读得多", lambda: found, "记录", nightly=True))
    assert [fault.rule for fault in audit_runs.run()] == []
    assert [fault.rule for fault in audit_runs.run(nightly=True)] == ["dear"]
    found.clear()
    assert [fault.sentence for fault in audit_runs.run()] == ["读得多：记录 7。"]
    assert notices() == ["deadlines.audit_faults"]
    assert audit_runs.run(nightly=True) == []
    assert notices() == ["deadlines.audit_faults", "deadlines.audit_well"]


def test_a_rule_that_is_gone_still_reads() -> None:
    assert audit.Fault("forgotten", [1]).sentence == "forgotten：记录 1。"
