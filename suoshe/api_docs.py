"""The OpenAPI document and its browsable docs, open to all: they hold paths and shapes, no rows."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2, OpenApiYamlRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

__all__ = ["Docs", "Document", "document"]


@cache
def document() -> dict[str, Any]:
    """The whole document, whoever asks. It follows from the code alone, so it is made once a process."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return made


class Document(APIView):
    """The document itself: JSON, or YAML where asked."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer]
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())


class Docs(SpectacularSwaggerSplitView):
    """The docs to browse, from assets of our own, without inline script or style (CSP)."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    url_name = "schema"
    template_name = "api/docs.html"
