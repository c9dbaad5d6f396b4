"""One byte of one entry is enough to be found and named."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from kernel.journal import verify as verification
from kernel.journal.models import Entry
from kernel.journal.verify import Fault, verify
from tests.kernel.journal.conftest import chain, tamper, write


@pytest.fixture
def streams(db: None) -> None:
    for number in range(1, 6):
        write(f"lead:{number}", 4, note="已责令改正")


def fault() -> Fault:
    found = verify()
    assert found is not None
    return found


def test_an_untouched_journal_verifies(streams: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify() is None
    call_command("verify_journal")
    assert "5 个对象，20 条记录，0 次封存" in capsys.readouterr().out


def test_an_empty_journal_verifies(db: None) -> None:
    assert verify() is None


@pytest.mark.parametrize(
    "change",
    [
        """data = jsonb_set(data, '{note}', '"已责令改止"')""",
        "kind = overlay(kind placing 'T' from 1)",
        "actor_name = '系統'",
        "actor_id = 1",
        "at = at + interval '1 microsecond'",
        "data = data || '{\"x\": 1}'",
        "hash = overlay(hash placing (CASE left(hash, 1) WHEN 'a' THEN 'b' ELSE 'a' END) from 1)",
        "stream = 'lead:9'",
        "seq = 9",
    ],
)
def test_one_changed_byte_is_found_and_named(streams: None, change: str) -> None:
    victim = chain("lead:3")[1]
    tamper(f"UPDATE journal_entry SET {change} WHERE id = %s", victim.pk)
    found = fault()
    assert (found.entry_id, found.what) == (victim.pk, "content")
    with pytest.raises(CommandError, match=f"记录号 {victim.pk}"):
        call_command("verify_journal")


def test_the_first_of_several_is_named(streams: None) -> None:
    for stream in ("lead:4", "lead:2"):
        tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain(stream)[0].pk)
    assert fault().stream == "lead:2"


def test_a_removed_entry_is_found_at_the_next(streams: None) -> None:
    gone, after = chain("lead:2")[1:3]
    tamper("DELETE FROM journal_entry WHERE id = %s", gone.pk)
    assert (fault().what, fault().entry_id) == ("gap", after.pk)


def test_a_removed_first_entry_is_found(streams: None) -> None:
    gone, after = chain("lead:2")[:2]
    tamper("DELETE FROM journal_entry WHERE id = %s", gone.pk)
    assert (fault().what, fault().entry_id) == ("gap", after.pk)


REWRITE = """
UPDATE journal_entry SET kind = 'x', hash = journal_entry_digest(
       prev_hash, stream, seq, 'x', actor_id, actor_name, at, data) WHERE id = %s
"""


def test_an_entry_rewritten_with_a_fitting_hash_is_found_at_the_next(streams: None) -> None:
    changed, after = chain("lead:5")[2:4]
    tamper(REWRITE, changed.pk)
    assert (fault().what, fault().entry_id) == ("link", after.pk)


def test_a_first_entry_that_pretends_to_follow_another_is_found(streams: None) -> None:
    first = chain("lead:5")[0]
    tamper(
        "UPDATE journal_entry SET prev_hash = repeat('a', 64), hash = journal_entry_digest("
        " repeat('a', 64), stream, seq, kind, actor_id, actor_name, at, data) WHERE id = %s",
        first.pk,
    )
    assert (fault().what, fault().entry_id) == ("link", first.pk)


def test_a_long_journal_is_read_in_steps(streams: None, monkeypatch: pytest.MonkeyPatch) -> None:
    highest = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
    monkeypatch.setattr(verification, "STEP", max(3, highest // 20))
    reached: list[tuple[int, int]] = []
    assert verify(progress=lambda at, of: reached.append((at, of))) is None
    last = Entry.objects.order_by("-id").values_list("id", flat=True)[0]
    assert reached[-1] == (last, last)
    assert [at for at, _ in reached] == sorted({at for at, _ in reached})
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:5")[3].pk)
    assert fault().stream == "lead:5"


def test_the_sentence_is_chinese() -> None:
    sentence = Fault("content", "lead:3", 2, 17).sentence()
    assert re.fullmatch(r"lead:3 第 2 条（记录号 17）：[^a-z]+。", sentence)


def test_the_rule_needs_nothing_of_the_session(streams: None) -> None:
    """Another time zone or date style of whoever verifies changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'America/New_York'; SET LOCAL datestyle = 'German, DMY'")
    assert verify() is None
