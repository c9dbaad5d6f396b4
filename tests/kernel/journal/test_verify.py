"""One byte of one entry is enough to be found and named."""

from __future__ import annotations

import io
import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from kernel.journal import verify as verification
from kernel.journal.management.commands import verify_journal as command
from kernel.journal.seal import seal
from kernel.journal.verify import Fault, verify, verify_recent, verify_stream
from tests.kernel.journal.conftest import chain, tamper, triggers_off, write


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
    monkeypatch.setattr(verification, "STEP", 3)
    seal()
    reached: list[tuple[str, int, int]] = []
    assert verify(progress=lambda *step: reached.append(step)) is None
    entries = [step for step in reached if step[0] == "entries"]
    assert len(entries) >= 7
    assert entries[-1] == ("entries", 20, 20)
    assert [done for _, done, _ in entries] == sorted(done for _, done, _ in entries)
    assert reached[-1] == ("seals", 1, 1)
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:5")[3].pk)
    assert fault().stream == "lead:5"


# --- one chain, and a night's share ----------------------------------------------------------------


def test_one_chain_is_verified_alone(streams: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "STEP", 2)
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:2")[2].pk)
    assert verify_stream("lead:3") is None
    found = verify_stream("lead:2")
    assert found is not None
    assert (found.what, found.seq) == ("content", 3)
    tamper("DELETE FROM journal_entry WHERE id = %s", chain("lead:4")[1].pk)
    gap = verify_stream("lead:4")
    assert gap is not None
    assert (gap.what, gap.seq) == ("gap", 3)


def test_a_nights_share_is_the_last_seal_and_what_came_since(streams: None) -> None:
    assert verify_recent() is None
    seal()
    write("lead:6", 2)
    seal()
    write("lead:7", 2)
    assert verify_recent() is None
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:1")[0].pk)
    assert verify_recent() is None  # sealed before: for `verify_journal`
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:6")[1].pk)
    found = verify_recent()
    assert found is not None
    assert found.stream == "lead:6"


def test_a_nights_share_checks_the_seal_itself(streams: None) -> None:
    seal()
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("UPDATE journal_seal SET hash = repeat('0', 64)")
    found = verify_recent()
    assert found is not None
    assert found.what == "seal"


# --- the command -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_how_far_it_is(streams: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "STEP", 5)
    monkeypatch.setattr(command, "DRAWN_EVERY_S", 0)
    terminal = Terminal()
    call_command("verify_journal", stderr=terminal, stdout=io.StringIO())
    lines = terminal.getvalue().split("\r")
    assert any(re.search(r"记录 \[#+\.+\] \d+/20，每秒 [\d,]+ 条，剩余 0:00", line) for line in lines)
    assert "[" + "#" * 30 + "] 20/20" in lines[-1]
    assert lines[-1].endswith("\n")


def test_a_pipe_sees_nothing_but_the_result(streams: None) -> None:
    out, errors = io.StringIO(), io.StringIO()
    call_command("verify_journal", stdout=out, stderr=errors)
    assert errors.getvalue() == ""
    assert out.getvalue() == "留痕完好：5 个对象，20 条记录，0 次封存。\n"


def test_the_command_takes_one_chain(streams: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_journal", "--stream", "lead:3")
    assert capsys.readouterr().out == "留痕完好：lead:3，4 条记录。\n"
    with pytest.raises(CommandError, match="没有对象 lead:99 的留痕记录"):
        call_command("verify_journal", "--stream", "lead:99")
    tamper("UPDATE journal_entry SET kind = 'x' WHERE id = %s", chain("lead:3")[1].pk)
    with pytest.raises(CommandError, match="lead:3 第 2 条"):
        call_command("verify_journal", "--stream", "lead:3")


def test_how_long_is_said_in_hours_and_minutes() -> None:
    assert [command.duration(s) for s in (0, 65, 3909)] == ["0:00", "1:05", "1:05:09"]


def test_the_sentence_is_chinese() -> None:
    sentence = Fault("content", "lead:3", 2, 17).sentence()
    assert re.fullmatch(r"lead:3 第 2 条（记录号 17）：[^a-z]+。", sentence)


def test_the_rule_needs_nothing_of_the_session(streams: None) -> None:
    """Another time zone or date style of whoever verifies changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL timezone = 'America/New_York'; SET LOCAL datestyle = 'German, DMY'")
    assert verify() is None
