"""Bodies: JSON in UTF-8, at most so large, no unknown fields (API.md, Manner)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from rest_framework import exceptions, serializers
from rest_framework.parsers import BaseParser

from kernel.errors import TooLarge

__all__ = ["JsonBody", "StrictModelSerializer", "StrictSerializer"]

LONGEST_NAME = 80


class JsonBody(BaseParser):
    """One JSON object in UTF-8, whatever charset the header claims; `DATA_UPLOAD_MAX_MEMORY_SIZE` at most.

    Raises:
        TooLarge: longer than that (413); read no further.
        ParseError: broken UTF-8, no JSON, NaN or Infinity, nested too deep.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise TooLarge("提交的内容过大，请分几次提交。", code="body_too_large")
        try:
            return json.loads(raw.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            raise exceptions.ParseError("提交的内容不是有效的 JSON。") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


class StrictMixin:
    """Unknown fields in a body are refused, not ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            known = {name for name, field in self.fields.items() if not field.read_only}  # type: ignore[attr-defined]
            unknown = [str(name)[:LONGEST_NAME] for name in data if name not in known]
            if unknown:
                refusal = exceptions.ErrorDetail("没有这个字段。", code="unknown_field")
                raise serializers.ValidationError({name: [refusal] for name in unknown})
        return super().to_internal_value(data)  # type: ignore[misc]


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    """A plain serializer that refuses unknown fields."""


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer[Any]):
    """A model serializer that refuses unknown fields."""
