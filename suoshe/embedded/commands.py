"""Commands of `manage.py` that have the database run for their own duration."""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Iterator

from .homes import home
from .sharing import using

WITHOUT_DATABASE = {
    "help", "version", "--help", "-h", "--version", "check", "collectstatic", "compilemessages",
    "makemessages", "makemigrations", "diffsettings", "findstatic", "spectacular", "startapp",
    "startproject", "up",
}  # fmt: skip


def needs_database(argv: list[str]) -> bool:
    """Does this command line of `manage.py` talk to the database?"""
    command = next((word for word in argv[1:] if not word.startswith("-")), "help")
    if "--help" in argv or "-h" in argv:
        return False
    if command == "check":
        return "--database" in argv
    return command not in WITHOUT_DATABASE


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Have SIGTERM leave by way of every `finally`, as Ctrl-C does."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def for_command(argv: list[str]) -> Iterator[None]:
    """Have the embedded database run for one command's own duration.

    Does nothing where another server or another environment's settings are named, or the command
    needs no database.

    Raises:
        EmbeddedError: the server did not start.
    """
    ours = os.environ.get("DJANGO_SETTINGS_MODULE", "").endswith((".local", ".test"))
    settings_named = any(word.startswith("--settings") for word in argv)
    with _ended_by_sigterm():
        if os.environ.get("DATABASE_URL") or not ours or settings_named or not needs_database(argv):
            warnings.filterwarnings("ignore", message="Got an error checking a consistent migration history")
            yield
            return
        with using(home()):
            yield
