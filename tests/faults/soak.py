"""`python -m tests.faults.soak --minutes 10`: the long form, from nothing, on servers of its own.

Half of the time there is one of every process, half of the time two. Kills come at random, seeded. The
last line is JSON: `leads, kills, lost, fired_twice, never_fired, notices_missing, notices_repeated,
chains_broken`; everything before it goes to standard error. Ends with 1 where anything is not as it must
be (only `notices_repeated` may be above 0: a repeat is allowed, and marked).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.house import House
    from tests.faults.outcome import Outcome
    from tests.stack import Stack

PHONES = 6
PAUSE_S = 0.6
BETWEEN_S = (0.2, 6.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suoshe-soak-") as folder:
        home = Path(folder)
        _prepare(home)
        from tests.faults import house as houses

        with houses.running(home, migrate=_migrate) as house:
            found = soak(house, seconds=options.minutes * 60, seed=options.seed)
            if not found.is_well:
                _show(house, found)
    print(json.dumps(found.figures))
    return 0 if found.is_well else 1


def soak(house: House, *, seconds: float, seed: int) -> Outcome:
    """One of every process for half of the time, then two; the count over all of it."""
    from tests.faults.house import ONE_OF_EACH, SECONDS, SERVERS
    from tests.faults.keeper import say
    from tests.faults.load import Ledger
    from tests.faults.run import Run

    ledger, kills, alone = Ledger(), 0, []
    for number, kinds in enumerate((ONE_OF_EACH, ONE_OF_EACH | SECONDS)):
        say(f"{len(kinds)} processes, PostgreSQL and Redis")
        if number:
            house.stack.start_all(SECONDS)
        run = Run(house, kinds | SERVERS, ledger, seed=seed + 100 * number)
        run.under_load(
            _at_random(random.Random(seed + number), seconds / 2),
            at_least=0, phones=PHONES, pause_s=PAUSE_S, between_s=BETWEEN_S,
        )  # fmt: skip
        say(f"struck: {run.keeper.kills}; waiting for quiet")
        run.quiet()
        found = run.count()
        say(f"so far: {found.figures}")
        kills += sum(run.keeper.kills.values())
        alone += run.keeper.ended_alone if not number else []
    found.figures["kills"] = kills
    found.faults += alone
    return found


def _at_random(dice: random.Random, seconds: float) -> Iterator[str]:
    """Kinds to strike, every kind as often as the others, in an order of chance, until time is up."""
    from tests.faults.keeper import KINDS

    end = time.monotonic() + seconds
    while True:
        for kind in dice.sample(KINDS, len(KINDS)):
            if time.monotonic() >= end:
                return
            yield kind


def _prepare(home: Path) -> None:
    """Django on the database that will be there; nothing of the caller's environment is used."""
    from suoshe import embedded

    os.environ |= {
        "SUOSHE_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "suoshe.settings.test",
        "DATABASE_URL": embedded.database_url(home),
    }
    os.environ.pop("REDIS_URL", None)
    import django

    django.setup()


def _migrate(stack: Stack) -> None:
    stack.manage("migrate", "--verbosity", "0", "--no-input", "--skip-checks", within_s=300)


def _show(house: House, found: Outcome) -> None:
    for words in found.faults:
        print(f"FAULT {words}", file=sys.stderr)
    for log in sorted(house.stack.folder.glob("*.log")):
        print(f"--- {log.name}\n{log.read_text(errors='replace')[-6000:]}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
