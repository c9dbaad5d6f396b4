"""The embedded stack: a real PostgreSQL and a real Redis from wheels, under `SUOSHE_HOME`.

PostgreSQL is the only database of the project (DESIGN.md §11); this package only starts the same server that
production runs. Both listen on unix sockets that only their owner may open, so no port is taken. Nothing here
imports Django: it runs before the settings are loaded. Its own modules are imported relatively, since the
keeper runs it outside of `suoshe`.
"""

from .commands import for_command, needs_database
from .homes import (
    DATABASE,
    EmbeddedError,
    broker_url,
    database_url,
    home,
    postgres_binary,
    redis_binary,
    redis_url,
    secret,
    socket_dir,
)
from .postgres import TEST_TUNING, TUNING, postgres_pid, start_postgres, stop_postgres
from .redis import redis_command, redis_pid, start_redis, stop_redis
from .sharing import keep, revive, using

__all__ = [
    "DATABASE",
    "TEST_TUNING",
    "TUNING",
    "EmbeddedError",
    "broker_url",
    "database_url",
    "for_command",
    "home",
    "keep",
    "needs_database",
    "postgres_binary",
    "postgres_pid",
    "redis_binary",
    "redis_command",
    "redis_pid",
    "redis_url",
    "revive",
    "secret",
    "socket_dir",
    "start_postgres",
    "start_redis",
    "stop_postgres",
    "stop_redis",
    "using",
]
