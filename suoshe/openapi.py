"""The OpenAPI document of `/api/v1/`: made from the code and true to it (API.md; a test compares them).

Refusals are described here, once, for every endpoint: which codes an operation may answer follows
from what it takes (a body, a path, `If-Match`, a limit of rate), and each is one shared response.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema

import kernel.accounts.schema  # noqa: F401 - registers the scheme of device tokens
from kernel.api.bodies import StrictMixin
from kernel.coordinates import CRS_NAMES

__all__ = ["Schema", "add_refusals", "one_path_each"]

Endpoint = tuple[str, str, str, Any]
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

REFUSALS = {
    "400": ("Malformed", "格式不正确：字段缺失、多余或不合要求，查询参数有误，不是有效的 JSON"),
    "401": ("Unauthenticated", "未登录，登录已过期，或登录失败"),
    "403": ("NotAllowed", "可以知道它存在，但无权执行此操作"),
    "404": ("NotFound", "不存在，或者无权查看"),
    "406": ("NotAcceptable", "无法按 Accept 的要求返回"),
    "409": ("Conflict", "在当前状态下规则不允许，或与已有记录冲突"),
    "410": ("Gone", "曾经有效，现已失效（如过期的链接）"),
    "412": ("StaleVersion", "内容已被更新，If-Match 不是当前版本"),
    "413": ("TooLarge", "提交的内容过大"),
    "415": ("UnsupportedType", "不支持的提交格式或文件类型"),
    "416": ("RangeNotSatisfiable", "请求的范围超出文件长度，见 Content-Range"),
    "422": ("Refused", "格式正确，但内容不能接受"),
    "428": ("VersionRequired", "缺少 If-Match，或其值为 *"),
    "429": ("TooMany", "操作过于频繁，见 Retry-After"),
    "503": ("Busy", "系统正忙，可用同一请求重试，见 Retry-After"),
}
TYPES = ["validation_error", "domain_error", "auth_error", "client_error", "server_error"]
ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["type", "errors"],
    "additionalProperties": False,
    "properties": {
        "type": {"type": "string", "enum": TYPES},
        "errors": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["code", "detail", "attr"],
                "additionalProperties": False,
                "properties": {
                    "code": {"type": "string", "description": "stable, for programs"},
                    "detail": {"type": "string", "description": "a Chinese sentence for people"},
                    "attr": {
                        "type": "string",
                        "nullable": True,
                        "description": "path of the field at fault, e.g. `evidence.2`",
                    },
                },
            },
        },
    },
}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "seconds"}}


class Schema(AutoSchema):
    """Adds the shared refusals, and says that strict bodies take no other fields."""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        said: dict[str, Any] = super()._get_response_bodies(direction=direction)
        if direction != "response":
            return said
        shared = {
            code: {"$ref": f"#/components/responses/{REFUSALS[code][0]}"} for code in self._refusals(said)
        }
        for answer in said.values():
            answer["description"] = answer.get("description") or "成功"
        return dict(sorted((said | shared).items()))

    def get_operation_id(self) -> str:
        return super().get_operation_id().replace(".", "_")

    def _refusals(self, said: dict[str, Any]) -> set[str]:
        """The codes that this operation may refuse with; one that the view describes itself stays so."""
        parameters = self._get_parameters()
        found = {"503", "406"}
        found |= {code for code, answer in said.items() if code in REFUSALS and "content" not in answer}
        if self.get_auth() or self.method in WRITES:
            found |= {"401", "403"}
        if parameters or self.method in WRITES:
            found.add("400")
        if any(one["in"] == "path" for one in parameters):
            found.add("404")
        if any(one["name"] == "If-Match" for one in parameters):
            found |= {"412", "428"}
        if self.method in WRITES:
            found |= {"409", "413", "415", "422"} if self._get_request_body() else {"409"}
        if self.view.get_throttles():
            found.add("429")
        return {code for code in found if "content" not in said.get(code, {})}

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, StrictMixin):
            schema["additionalProperties"] = False
        return schema


class PlaceExtension(OpenApiSerializerFieldExtension):
    """A place names its coordinate system; it is answered in WGS-84."""

    target_class = "grids.coordinates.PlaceField"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        accuracy: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 100_000, "nullable": True}
        systems = list(CRS_NAMES) if direction == "request" else ["wgs84"]
        return {
            "type": "object",
            "required": ["lon", "lat", "crs"],
            "additionalProperties": False,
            "properties": {
                "lon": {"type": "number", "format": "double", "minimum": -180, "maximum": 180},
                "lat": {"type": "number", "format": "double", "minimum": -90, "maximum": 90},
                "crs": {"type": "string", "enum": systems},
                "accuracy_m": accuracy,
            },
        }


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


def add_refusals(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """Put the one error shape and the shared responses among the components."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    result["components"]["schemas"]["Error"] = ERROR
    result["components"]["responses"] = {
        name: {
            "description": words,
            "content": content,
            **({"headers": RETRY_AFTER} if code in ("429", "503") else {}),
        }
        for code, (name, words) in REFUSALS.items()
    }
    return result
