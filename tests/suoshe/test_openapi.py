"""The OpenAPI document names each path once."""

from __future__ import annotations

from suoshe.openapi import one_path_each


def test_each_path_is_named_once() -> None:
    paths = ["/leads/", "/leads", "/grids.geojson/", "/grids.geojson", "/schema/", "/healthz"]
    kept = one_path_each([(path, path, "GET", None) for path in paths])
    assert [path for path, *_ in kept] == ["/leads/", "/grids.geojson", "/schema/", "/healthz"]
