"""What the OpenAPI document leaves out."""

from __future__ import annotations

from typing import Any

Endpoint = tuple[str, str, str, Any]


def one_path_each(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Every path is served with and without its final slash (API.md); the document names the one with it.

    Paths that end like a file (`grids.geojson`, `sla.xlsx`) are named without.
    """
    paths = {path for path, *_ in endpoints}
    return [endpoint for endpoint in endpoints if not _is_said_by_another(endpoint[0], paths)]


def _is_said_by_another(path: str, paths: set[str]) -> bool:
    bare = path.rstrip("/")
    is_file = "." in bare.rpartition("/")[2]
    other = bare if path.endswith("/") else f"{path}/"
    return other in paths and is_file == path.endswith("/")
