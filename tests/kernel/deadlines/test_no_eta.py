"""A Celery ETA never holds a deadline: the row is the timer (DESIGN.md §4)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = (
    "suoshe",
    "kernel",
    "grids",
    "credit",
    "leads",
    "patrols",
    "stations",
    "campaigns",
    "outreach",
    "reports",
)
FORBIDDEN = {"eta", "countdown", "visibility_timeout", "default_retry_delay", "retry_backoff"}
LONGEST_RETRY_S = 60
SENDERS = {"apply_async", "s", "si", "signature", "retry", "send_task", "shared_task", "task"}


def held_by_celery(source: str) -> list[int]:
    """Lines that give a moment or a delay to Celery, or retry a task after more than a minute."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if name not in SENDERS:
            continue
        for keyword in node.keywords:
            short = (
                name == "retry"
                and keyword.arg == "countdown"
                and isinstance(keyword.value, ast.Constant)
                and keyword.value.value <= LONGEST_RETRY_S
            )
            if keyword.arg in FORBIDDEN and not short:
                found.append(node.lineno)
    return found


def sources() -> list[Path]:
    return sorted(path for name in OURS for path in ROOT.glob(f"{name}/**/*.py"))


def test_no_task_carries_a_moment() -> None:
    assert len(sources()) > 50
    found = [f"{p.relative_to(ROOT)}:{line}" for p in sources() for line in held_by_celery(p.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("warn.apply_async(args=[1], eta=at)", True),
        ("warn.apply_async(args=[1], countdown=60)", True),
        ("warn.s(1).set(x=1)", False),
        ("self.retry(countdown=5)", False),
        ("self.retry(countdown=3600)", True),
        ("self.retry(countdown=delay)", True),
        ("self.retry(eta=at)", True),
        ("@shared_task(default_retry_delay=3600)\ndef f(): ...", True),
        ("plan(countdown=3)", False),
    ],
)
def test_the_rule_sees_what_it_forbids(line: str, is_found: bool) -> None:
    assert bool(held_by_celery(line)) is is_found
