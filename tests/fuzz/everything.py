"""`python -m tests.fuzz.everything --bodies 10000`: the long form, from nothing, over HTTP.

A web process serves copies of a house with one of everything in it. First every operation of the OpenAPI
document with the token of every role, then broken bodies and uploads, a thousand on each copy. Chances
are seeded. The last line is JSON: `operations, roles, requests, server_errors, broken_answers, bodies,
rows_left, files_left`; everything before it goes to standard error. Ends with 1 where anything was wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.fuzz.tally import Tally

AT_ONCE = 1000
SHOWN = 40


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bodies", type=int, default=10_000)
    parser.add_argument("--examples", type=int, default=2, help="of each operation, right and wrong")
    parser.add_argument("--seed", type=int, default=20261123)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="suoshe-fuzz-") as folder, prepared(Path(folder)):
        found = run(Path(folder), options)
    for fault in found.faults[:SHOWN]:
        say(f"FAULT {fault}")
    say(f"answers by status: {dict(sorted(found.statuses.items()))}")
    print(json.dumps(found.figures))
    return 0 if found.is_well else 1


def run(folder: Path, options: argparse.Namespace) -> Tally:
    """Both parts, one after another."""
    from kernel import clock
    from tests.factories.house import standing
    from tests.fuzz import document
    from tests.fuzz.bodies import Thrower
    from tests.fuzz.grounds import live
    from tests.fuzz.pages import acts, signed_in
    from tests.fuzz.tally import Tally

    tally = Tally()
    with standing(Open(), folder / "house") as house:
        built_at = clock.now()
        if options.examples:
            with live(folder / "document") as ground:
                done = document.whole_document(
                    ground.url, house, tally, examples=options.examples, seed=options.seed
                )
                for number, name in enumerate(done):
                    if number % 10 == 0:
                        say(f"{name}: {tally.figures}")
        for number in range(-(-options.bodies // AT_ONCE)):
            count = min(AT_ONCE, options.bodies - number * AT_ONCE)
            with live(folder / f"bodies-{number}") as ground:
                clock.set_to(built_at)  # else the house's own clocks run out while it lasts, and leave rows
                thrower = Thrower(ground, house, tally)
                cookie = signed_in(house)
                ground.look()
                thrower.everything(count, options.seed + number, cookie, acts(house))
            say(f"{tally.figures}")
    return tally


class Open:
    """In the place of pytest's blocker: here nothing is blocked."""

    def unblock(self) -> Any:
        return contextlib.nullcontext()


def say(words: str) -> None:
    print(time.strftime("%H:%M:%S"), words, file=sys.stderr, flush=True)


@contextlib.contextmanager
def prepared(home: Path) -> Iterator[None]:
    """Django, PostgreSQL and Redis of its own; nothing of the caller's environment is used."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ |= {"SUOSHE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "suoshe.settings.test"}
    from suoshe import embedded

    with embedded.using(home, postgres=True, redis=True, tuning=embedded.TEST_TUNING):
        import django

        django.setup()
        yield


if __name__ == "__main__":
    sys.exit(main())
