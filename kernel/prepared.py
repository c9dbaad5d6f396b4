"""Statements that are planned once a connection instead of once a call.

For the few statements with many joins that every report runs, PostgreSQL spends more time planning
than running (measured: 1.4 ms against 0.4 ms for a grid's routing facts). Needs a server connection
that stays the same between statements: a pooler in transaction mode would not do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

_KEPT = "_suoshe_prepared"


class Statement:
    """One SQL text with named parameters, `%(name)s`, and the type of each.

    The text is prepared on a connection when it is first run there, outside Django's counting:
    `execute` is one statement, `EXECUTE`.
    """

    def __init__(self, name: str, sql: str, **types: str) -> None:
        self.name, self.types = name, types
        places = {parameter: f"${number}" for number, parameter in enumerate(types, start=1)}
        text = re.sub(r"%\((\w+)\)s", lambda found: places[found[1]], sql).replace("%%", "%")
        self._prepare = f"PREPARE {name} ({', '.join(types.values())}) AS {text}"
        self._execute = f"EXECUTE {name} ({', '.join(f'%({parameter})s' for parameter in types)})"

    def execute(self, cursor: CursorWrapper, params: Mapping[str, Any]) -> None:
        """Run it on the default connection's cursor with these values."""
        server = connection.connection
        kept: tuple[Any, set[str]] | None = getattr(connection, _KEPT, None)
        if kept is None or kept[0] is not server:
            kept = (server, set())
            setattr(connection, _KEPT, kept)
        if self.name not in kept[1]:
            with connection.wrap_database_errors, server.cursor() as plain:
                plain.execute(self._prepare)
            kept[1].add(self.name)
        cursor.execute(self._execute, dict(params))
