"""What of a photo's clocks and places does not agree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.evidence import policy
from kernel.evidence.policy import Place

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HERE = Place(116.75, 36.18)
MINUTES = {n: timedelta(minutes=n) for n in (9, 10, 11)}

AGREES: dict[str, Any] = {
    "captured_at": AT, "exif_at": AT, "received_at": AT, "place": HERE, "exif_place": HERE,
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "flags"),
    [
        ({}, []),
        ({"exif_at": None, "exif_place": None}, ["no_exif"]),
        ({"exif_at": None}, []),
        ({"exif_place": None}, []),
        ({"exif_at": AT - MINUTES[10]}, []),
        ({"exif_at": AT - MINUTES[11]}, ["exif_time_differs"]),
        ({"exif_at": AT + MINUTES[11]}, ["exif_time_differs"]),
        ({"captured_at": None, "exif_at": AT - MINUTES[11]}, []),
        ({"exif_place": Place(116.75, 36.1844)}, []),
        ({"exif_place": Place(116.75, 36.1846)}, ["exif_place_differs"]),
        ({"place": None, "exif_place": Place(0.1, 0.1)}, []),
        ({"captured_at": AT + MINUTES[11], "exif_at": None}, ["clock_skew"]),
        ({"captured_at": AT + MINUTES[10], "exif_at": None}, []),
        ({"captured_at": AT - timedelta(days=5), "exif_at": None}, []),
        ({"captured_at": AT - timedelta(days=5, seconds=1), "exif_at": None}, ["clock_skew"]),
        (
            {"captured_at": AT - timedelta(days=6), "exif_place": Place(117, 36)},
            ["exif_time_differs", "exif_place_differs", "clock_skew"],
        ),
    ],
)
def test_flags(change: dict[str, Any], flags: list[str]) -> None:
    assert policy.flags(**{**AGREES, **change}) == flags


def test_every_flag_has_words() -> None:
    assert set(policy.FLAG_LABELS) == {"no_exif", "exif_time_differs", "exif_place_differs", "clock_skew"}
