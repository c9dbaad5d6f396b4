"""Starts the embedded servers again while `manage.py up` runs: nobody else would.

The other processes are the supervisor's children; PostgreSQL and Redis belong to all who use them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from suoshe import embedded

LOOKS_EVERY_S = 1.0
LONGEST_WAIT_S = 30.0


class Revival:
    """Looks once a second, inside a `with` block, whether the servers of a home still run.

    A server that does not come up is tried again, less and less often; each try says why in one line.
    Leave the block before the servers are stopped on purpose.
    """

    def __init__(self, at: Path, *, postgres: bool, redis: bool, say: Callable[[str], None]) -> None:
        self._at, self._postgres, self._redis, self._say = at, postgres, redis, say
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="revival", daemon=True)

    def __enter__(self) -> Self:
        if self._postgres or self._redis:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _look(self) -> None:
        wait_s = LOOKS_EVERY_S
        while not self._over.wait(wait_s):
            try:
                for name in embedded.revive(self._at, postgres=self._postgres, redis=self._redis):
                    self._say(f"{name} had ended; started again")
                wait_s = LOOKS_EVERY_S
            except (embedded.EmbeddedError, OSError) as failure:
                self._say(f"{failure}; trying again")
                wait_s = min(wait_s * 2, LONGEST_WAIT_S)
