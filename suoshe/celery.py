"""The Celery application. Tasks take ids, make one call and return; they never hold a deadline."""

import os
from typing import Any

import structlog
from celery import Celery
from celery.signals import before_task_publish, setup_logging, task_postrun, task_prerun

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "suoshe.settings.local")

app = Celery("suoshe")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves logging to Django's `LOGGING` where someone answers this signal."""


@before_task_publish.connect
def carry_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    """A task that a request queues logs under that request's id."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id is not None and headers is not None:
        headers["request_id"] = request_id


@task_prerun.connect
def name_the_lines(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Every line of a task carries the id of the request that queued it, or else its own."""
    structlog.contextvars.clear_contextvars()
    request_id = getattr(task.request, "request_id", None) or task_id
    structlog.contextvars.bind_contextvars(request_id=request_id, task=task.name)


@task_postrun.connect
def end_the_lines(**_: Any) -> None:
    """The next task has lines of its own."""
    structlog.contextvars.clear_contextvars()
