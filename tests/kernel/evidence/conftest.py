"""Storage of the tests' own, and pictures with what phones write into them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from kernel.evidence import access


@pytest.fixture(autouse=True)
def anybody_uploads(monkeypatch: pytest.MonkeyPatch) -> None:
    """These people hold no posting; who may upload is the leads' affair."""
    monkeypatch.setattr(access, "_uploaders", [lambda user: True])


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """An empty storage for each test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def temporary(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads and copies lie meanwhile: a folder of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(folder)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder
