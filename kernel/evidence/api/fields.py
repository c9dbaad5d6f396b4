"""The field of files in a body, wherever files belong to something."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

BIGGEST = 2**63 - 1
MOST_FILES = 20


@extend_schema_field(
    {
        "type": "array",
        "maxItems": MOST_FILES,
        "items": {
            "oneOf": [
                {"type": "integer", "minimum": 1, "maximum": BIGGEST},
                {
                    "type": "object",
                    "required": ["sha256"],
                    "additionalProperties": False,
                    "properties": {"sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
                },
            ]
        },
    }
)
class EvidenceListField(serializers.Field[Any, Any, Any, Any]):
    """Ids of uploaded files, or `{sha256}` of files still to come → `(ids, hashes)`."""

    default_error_messages = {
        "invalid": "证据应为编号列表，或还在上传的文件的 sha256。",
        "too_many": "一次最多提交 20 份证据。",
    }

    def to_internal_value(self, data: Any) -> tuple[tuple[int, ...], tuple[str, ...]]:
        if not isinstance(data, list):
            self.fail("invalid")
        if len(data) > MOST_FILES:
            self.fail("too_many")
        ids: dict[int, None] = {}
        hashes: dict[str, None] = {}
        for one in data:
            if isinstance(one, int) and not isinstance(one, bool) and 0 < one <= BIGGEST:
                ids[one] = None
            elif isinstance(one, dict) and set(one) == {"sha256"} and _is_sha256(one["sha256"]):
                hashes[one["sha256"]] = None
            else:
                self.fail("invalid")
        return tuple(ids), tuple(hashes)

    def to_representation(self, value: Any) -> Any:
        return value


def _is_sha256(text: Any) -> bool:
    return isinstance(text, str) and len(text) == 64 and all(c in "0123456789abcdef" for c in text)
