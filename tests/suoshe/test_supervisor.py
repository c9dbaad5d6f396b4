"""The supervisor with small children: restarts, gives up, merges logs, leaves nobody behind."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from suoshe.stack import processes, supervisor
from suoshe.stack.supervisor import Supervisor
from tests.stack import wait_until


class Merged(io.StringIO):
    """A log that a test can look into while it is written."""

    def has(self, text: str) -> bool:
        return text in self.getvalue()


@pytest.fixture
def log() -> Merged:
    return Merged()


@pytest.fixture
def made(log: Merged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    monkeypatch.setattr(supervisor, "RESTART_AFTER_S", 0.05)
    monkeypatch.setattr(supervisor, "LONGEST_WAIT_S", 0.2)
    return Supervisor(cwd=tmp_path, env={**os.environ, "SUOSHE_PARENT": str(os.getpid())}, out=log)


def _python(code: str) -> list[str]:
    return processes.here(["python", "-c", code])


def _when(true: object, act: object) -> threading.Thread:
    """Do something beside `run`, which needs the main thread for its signals."""

    def look() -> None:
        wait_until(true, within_s=20)  # type: ignore[arg-type]
        act()  # type: ignore[operator]

    thread = threading.Thread(target=look)
    thread.start()
    return thread


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_children_and_their_children(made: Supervisor, log: Merged, number: int) -> None:
    code = (
        "import subprocess, sys, time; "
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3600)']); "
        "print('grandchild', p.pid, flush=True); time.sleep(60)"
    )
    made.add("one", _python(code))
    thread = _when(lambda: log.has("grandchild"), lambda: os.kill(os.getpid(), number))
    assert made.run() == 0
    thread.join()
    grandchild = int(log.getvalue().partition("grandchild ")[2].split()[0])
    wait_until(lambda: not _runs(grandchild), within_s=5, what="the grandchild to end")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_child_that_ends_is_started_again(made: Supervisor, log: Merged) -> None:
    made.add("once", _python("import sys; print('here', flush=True); sys.exit(3)"))
    thread = _when(lambda: log.getvalue().count("| here") >= 2, lambda: made.stop("seen enough"))
    assert made.run() == 0
    thread.join()
    assert log.has("once ended (3); starting it again")


def test_one_that_keeps_ending_ends_the_whole(made: Supervisor, log: Merged) -> None:
    made.add("bad", _python("raise SystemExit(7)"))
    made.add("good", _python("import time; time.sleep(60)"))
    assert made.run() == 1
    assert log.has("bad ended 5 times within 60 s (7)")


def test_one_that_is_killed_is_always_started_again(made: Supervisor, log: Merged) -> None:
    made.add("hunted", _python("import os; os.kill(os.getpid(), 9)"))
    made.add("good", _python("import time; time.sleep(60)"))
    thread = _when(
        lambda: log.getvalue().count("hunted was killed; starting it again") >= supervisor.GIVE_UP_AFTER + 1,
        lambda: made.stop("seen enough"),
    )
    assert made.run() == 0
    thread.join()


def test_the_wait_after_a_kill_grows_and_is_forgotten() -> None:
    child = supervisor.Child("hunted", [], 0)
    waits = [supervisor._wait_after_kill(child, float(second)) for second in (0, 1, 2, 3, 4, 5, 6, 200)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 1]


def test_the_last_words_of_a_child_are_kept(made: Supervisor, log: Merged) -> None:
    made.add("talker", _python("import sys; sys.stdout.write('first\\nlast without a newline'); sys.exit(1)"))
    thread = _when(lambda: log.has("last without"), lambda: made.stop("seen"))
    made.run()
    thread.join()
    assert log.has("talker | first\n")
    assert log.has("talker | last without a newline\n")


def test_one_added_for_later_waits_for_the_first_tick_that_says_so(log: Merged, tmp_path: Path) -> None:
    ready = threading.Event()
    made = Supervisor(cwd=tmp_path, env=dict(os.environ), out=log, every_tick=ready.is_set)
    made.add("web", _python("import time; print('web here', flush=True); time.sleep(60)"))
    made.add("worker", _python("import time; print('worker here', flush=True); time.sleep(60)"), later=True)

    def release() -> None:
        assert not log.has("worker here")
        ready.set()
        wait_until(lambda: log.has("worker here"), within_s=10)
        made.stop("seen")

    thread = _when(lambda: log.has("web here"), release)
    assert made.run() == 0
    thread.join()
    assert log.has("worker here")


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    parent = (
        "import os, subprocess, sys, time; from suoshe.stack import processes; "
        "c = subprocess.Popen(processes.here(['python', '-c', 'import time; time.sleep(60)'])); "
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(c.pid)); time.sleep(1); os.kill(os.getpid(), 9)"
    )
    env = {key: value for key, value in os.environ.items() if key != "SUOSHE_PARENT"}
    root = str(processes.LAUNCHER.parent.parent.parent)
    assert (
        os.waitstatus_to_exitcode(
            os.waitpid(
                os.spawnve(
                    os.P_NOWAIT,
                    sys.executable,
                    [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {parent}"],
                    env,
                ),
                0,
            )[1]
        )
        == -signal.SIGKILL
    )
    child = int((tmp_path / "pid").read_text())
    wait_until(lambda: not _runs(child), within_s=5, what="the child to end with its parent")
