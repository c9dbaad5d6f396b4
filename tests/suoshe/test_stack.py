"""A private Redis of the stack that faults stand on (its processes: tests/journeys/test_all_processes.py)."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg2
import pytest
import redis
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.stack import Stack


def test_a_private_redis_may_be_stopped(
    django_test_environment: None, django_db_blocker: DjangoDbBlocker, tmp_path: Path
) -> None:
    with django_db_blocker.unblock(), databases.fresh() as name:
        with Stack(database=name, folder=tmp_path, own_redis=True) as own:
            with redis.from_url(own.redis_url) as client:
                client.set("kept", "1")
            own.stop("redis")
            with pytest.raises(redis.ConnectionError), redis.from_url(own.redis_url) as client:
                client.ping()
            own.start("redis")
            with redis.from_url(own.redis_url) as client:
                assert client.get("kept") == b"1"
            pid = own.pid("redis")
        assert not os.path.exists(f"/proc/{pid}")
        with databases.server() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            assert cursor.fetchone() is not None
    with databases.server() as cursor, pytest.raises(psycopg2.errors.InvalidCatalogName):
        cursor.execute(f'ALTER DATABASE "{name}" SET jit = off')
