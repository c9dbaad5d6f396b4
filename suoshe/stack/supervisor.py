"""Keeps a few processes running beside each other, with one merged log.

Every child has a process group of its own, so a Ctrl-C of the terminal reaches only us and what a
child leaves behind can be ended too. A child that ends by itself is started again; one that keeps
ending (5 times within a minute) ends the whole, since a half-working product misleads. One that was
killed by −9 (by an operator, or for want of memory) is always started again, after a wait that grows.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

COLOURS = (36, 33, 35, 32, 34, 31)
GIVE_UP_AFTER = 5
GIVE_UP_WITHIN_S = 60.0
RESTART_AFTER_S = 1.0
LONGEST_WAIT_S = 30.0
GRACE_S = 30.0
LATER_S = 20.0


@dataclass
class Child:
    """One process that is kept running."""

    name: str
    command: list[str]
    colour: int
    process: subprocess.Popen[bytes] | None = None
    rest: bytes = b""
    ended: deque[float] = field(default_factory=lambda: deque(maxlen=GIVE_UP_AFTER))
    killed: deque[float] = field(default_factory=lambda: deque(maxlen=6))
    start_at: float = 0.0
    waits: bool = False


class Supervisor:
    """Runs children until SIGINT, SIGTERM or SIGHUP, or until one of them keeps ending.

    `every_tick` is called about 5 times a second while they run; its first True starts the children
    that were added with `later`. `pass_fds` are handed to every child (locks that must be held until the
    last of them has ended).
    """

    def __init__(
        self,
        *,
        cwd: Path,
        env: dict[str, str],
        out: TextIO | None = None,
        pass_fds: tuple[int, ...] = (),
        every_tick: Callable[[], bool] | None = None,
    ) -> None:
        self._cwd, self._env, self._pass_fds = cwd, env, pass_fds
        self._out = out or sys.stdout
        self._coloured = self._out.isatty() and "NO_COLOR" not in os.environ
        self._every_tick = every_tick or (lambda: True)
        self._children: list[Child] = []
        self._selector = selectors.DefaultSelector()
        self._stopping: str | None = None
        self._failed = False

    def add(self, name: str, command: list[str], *, later: bool = False) -> None:
        """Name a process; `run` starts it, or where `later`, when `every_tick` says so (20 s at most)."""
        colour = COLOURS[len(self._children) % len(COLOURS)]
        start_at = time.monotonic() + LATER_S if later else 0.0
        self._children.append(Child(name, command, colour, start_at=start_at, waits=later))

    def say(self, line: str, *, name: str = "suoshe", colour: int = 37) -> None:
        """Write one line of the merged log."""
        moment = time.strftime("%H:%M:%S")
        label = f"{moment} {name:<7}|"
        if self._coloured:
            label = f"\033[{colour}m{label}\033[0m"
        with contextlib.suppress(OSError, ValueError):
            self._out.write(f"{label} {line}\n")
            self._out.flush()

    def stop(self, why: str) -> None:
        """Have `run` end all children and return."""
        self._stopping = self._stopping or why

    def run(self) -> int:
        """Run until told to stop; 0, or 1 where a child kept ending."""
        before = {
            number: signal.signal(number, self._on_signal)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            while self._stopping is None:
                self._start_due()
                self._read(0.2)
                self._notice_ended()
                if self._stopping is None and self._every_tick():
                    for child in self._children:
                        if child.waits:
                            child.waits, child.start_at = False, 0.0
            self.say(f"stopping: {self._stopping}")
        finally:
            self._end_all()
            for number, handler in before.items():
                signal.signal(number, handler)
        return 1 if self._failed else 0

    # -- inside

    def _on_signal(self, number: int, _frame: object) -> None:
        self.stop(signal.Signals(number).name)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and now >= child.start_at and self._stopping is None:
                child.process = subprocess.Popen(
                    child.command, cwd=self._cwd, env=self._env, stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, process_group=0,
                    pass_fds=self._pass_fds,
                )  # fmt: skip
                assert child.process.stdout is not None  # noqa: S101
                os.set_blocking(child.process.stdout.fileno(), False)
                self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _read(self, wait_s: float) -> None:
        for key, _ in self._selector.select(wait_s):
            self._pump(key.data, key.fileobj)  # type: ignore[arg-type]

    def _pump(self, child: Child, pipe: IO[bytes]) -> None:
        data = pipe.read(65536)
        if data == b"":
            self._selector.unregister(pipe)
        if data:
            *lines, child.rest = (child.rest + data).split(b"\n")
            for line in lines:
                self.say(line.decode(errors="replace").rstrip("\r"), name=child.name, colour=child.colour)

    def _notice_ended(self) -> None:
        for child in self._children:
            if child.process is None or child.process.poll() is None:
                continue
            code = child.process.returncode
            self._drop(child)
            now = time.monotonic()
            if code == -signal.SIGKILL:
                child.start_at = now + _wait_after_kill(child, now)
                self.say(f"{child.name} was killed; starting it again", name=child.name, colour=child.colour)
                continue
            child.ended.append(now)
            if len(child.ended) == GIVE_UP_AFTER and now - child.ended[0] < GIVE_UP_WITHIN_S:
                self._failed = True
                self.stop(f"{child.name} ended {GIVE_UP_AFTER} times within {GIVE_UP_WITHIN_S:g} s ({code})")
                return
            self.say(f"{child.name} ended ({code}); starting it again", name=child.name, colour=child.colour)
            child.start_at = now + RESTART_AFTER_S

    def _drop(self, child: Child) -> None:
        """Read the last words of an ended child, and end what it left behind in its group."""
        process = child.process
        assert process is not None  # noqa: S101
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout is not None:
            self._pump_rest(child, process.stdout)
            process.stdout.close()
        child.process = None

    def _pump_rest(self, child: Child, pipe: IO[bytes]) -> None:
        while pipe in self._selector.get_map() and (data := pipe.read(65536)):
            child.rest += data
        with contextlib.suppress(KeyError):
            self._selector.unregister(pipe)
        for line in child.rest.splitlines():
            self.say(line.decode(errors="replace"), name=child.name, colour=child.colour)
        child.rest = b""

    def _end_all(self) -> None:
        left = [child for child in self._children if child.process is not None]
        for child in left:
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()  # type: ignore[union-attr]
        until = time.monotonic() + GRACE_S
        while left and time.monotonic() < until:
            self._read(0.05)
            for child in [child for child in left if child.process and child.process.poll() is not None]:
                self._drop(child)
                left.remove(child)
        for child in left:
            self.say(f"{child.name} did not end within {GRACE_S:g} s: killed", name=child.name)
            process = child.process
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # type: ignore[union-attr]
            process.wait(10)  # type: ignore[union-attr]
            self._drop(child)
        self._selector.close()


def _wait_after_kill(child: Child, now: float) -> float:
    """A second after the first kill, twice as long after each further one within the last minute."""
    child.killed.append(now)
    lately = sum(now - moment < GIVE_UP_WITHIN_S for moment in child.killed)
    return min(RESTART_AFTER_S * 2.0 ** (lately - 1), LONGEST_WAIT_S)
