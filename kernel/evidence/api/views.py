"""Upload and download of evidence (API.md)."""

from __future__ import annotations

from typing import Any

from django.core.files.storage import default_storage
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.errors import NotAllowed, TooLarge
from kernel.evidence import access, originals, store, thumbnails
from kernel.evidence.api.serializers import EvidenceSerializer, UploadSerializer

_AROUND_THE_FILE = 64 * 1024
"""What the other fields and the multipart frame may take."""

_FILE = OpenApiResponse(OpenApiTypes.BINARY, description="原始字节")


class UploadEvidence(APIView):
    """上传证据."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={201: EvidenceSerializer, 200: EvidenceSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take one photo; the same `client_uid` and bytes again answer 200 with the first."""
        user: Any = request.user
        if not access.may_upload(user):
            raise NotAllowed("您目前没有可以提交证据的岗位。", code="no_posting")
        _refuse_unread(request)
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        evidence, created = store.receive(**given.validated_data, by=user, at=clock.now())
        return Response(EvidenceSerializer(evidence).data, status=201 if created else 200)


class AnyAccept(BaseContentNegotiation):
    """Files are what they are, whatever `Accept` says; refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class Original(APIView):
    """原件."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={(200, kind): _FILE for kind in ("image/jpeg", "image/png", "image/webp")})
    def get(self, request: Request, evidence_id: int) -> FileResponse:
        """The bytes as received, checked against their hash."""
        user: Any = request.user
        evidence = originals.find(evidence_id=evidence_id, by=user)
        original = originals.open_original(evidence=evidence, at=clock.now())
        extension = (evidence.file.name or "").rpartition(".")[2]
        answer = _answer(original, evidence.content_type, f"evidence-{evidence.pk}.{extension}")
        answer["X-Content-SHA256"] = evidence.sha256
        return answer


class Thumbnail(APIView):
    """缩略图."""

    content_negotiation_class = AnyAccept

    @extend_schema(responses={(200, "image/jpeg"): _FILE})
    def get(self, request: Request, evidence_id: int) -> FileResponse:
        """A JPEG of at most 480 px a side, upright and without EXIF."""
        user: Any = request.user
        evidence = originals.find(evidence_id=evidence_id, by=user)
        path = thumbnails.ensure(evidence=evidence, at=clock.now())
        return _answer(default_storage.open(path, "rb"), "image/jpeg", f"evidence-{evidence.pk}-480.jpg")


def _refuse_unread(request: Request) -> None:
    """Refuse by the announced length, before the body is read to a temporary file."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > store.MAX_PHOTO_BYTES + _AROUND_THE_FILE:
        raise TooLarge("照片不能超过 20 MB。", attr="file")


def _answer(file: Any, content_type: str, name: str) -> FileResponse:
    answer = FileResponse(file, content_type=content_type, filename=name)
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-cache"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
