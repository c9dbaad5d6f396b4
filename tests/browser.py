"""Where the browser of the suite is. Tests that need it carry the mark `browser`."""

from __future__ import annotations

import shutil
from functools import cache

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


@cache
def chromium() -> str | None:
    """Path of an installed chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
