"""Logs: one event a line, as JSON in production and in words on a terminal; both carry the request's id.

Every line of a request carries `request_id`, `user_id` and `route` (never the path, which may hold a
single-use token), every line of a task the id of the request that queued it, or its own. No line carries a
telephone or identity number, nor what PostgreSQL quotes of a row it refused.

The terminal has no times: `manage.py up` writes them before each line of its merged log.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import structlog

from kernel.accounts.masking import mask_text

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.StackInfoRenderer(),
]


KEPT = frozenset(
    {"request_id", "task_id", "timestamp", "exc_info", "_record", "_from_structlog", "level", "logger"}
)
"""Never a person's words; a hexadecimal id may look like a telephone number."""
QUOTED_ROW = re.compile(r"DETAIL:.*?(?=\n(?:HINT|CONTEXT|STATEMENT|LINE)|\n\n|\Z)", re.DOTALL)


def without_personal_numbers(logger: Any, method: str, event_dict: dict[str, Any]) -> dict[str, Any]:
    """Mask what a line says, its traceback included. Numbers stay numbers: they are counts and ids."""
    return {name: value if name in KEPT else _masked(value) for name, value in event_dict.items()}


def _masked(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {name: _masked(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    text = value if isinstance(value, str) else repr(value)
    return mask_text(QUOTED_ROW.sub("DETAIL: (left out)", text))


class NotEverySecond(logging.Filter):
    """Drops what beat says each time it sends a task."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith("Scheduler: Sending due task")


def config(*, as_json: bool, level: str = "INFO") -> dict[str, Any]:
    """`LOGGING` for Django; also tells structlog to log through the standard library."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_renderers(as_json),
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "filters": {"not_every_second": {"()": NotEverySecond}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"level": level},
            # One line for each request is ours (suoshe.middleware); Django's own repeats what it says.
            "django.request": {"level": "ERROR"},
            # The clocks are swept every second: a task that went well is not worth a line.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"filters": ["not_every_second"]},
            "axes.apps": {"level": "WARNING"},
            "django.server": {"handlers": ["stderr"], "propagate": False},
        },
    }


def _renderers(as_json: bool) -> list[Any]:
    if as_json:
        return [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_personal_numbers,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [
        structlog.processors.format_exc_info,
        without_personal_numbers,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
