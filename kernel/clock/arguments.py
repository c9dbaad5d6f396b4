"""Days as people write them on a command line."""

from __future__ import annotations

import argparse
from datetime import date


def day(said: str) -> date:
    """The type of an argument: YYYY-MM-DD."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise argparse.ArgumentTypeError("日期格式应为 YYYY-MM-DD") from None
