"""Upload and download of evidence (API.md)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.errors import NotAllowed
from kernel.evidence import access, copies, originals, store
from kernel.evidence.api import serving, uploads
from kernel.evidence.api.serializers import EvidenceSerializer, UploadSerializer
from kernel.evidence.content import AAC, FORMATS, M4A, MP4
from kernel.evidence.models import Evidence

_WHOLE = OpenApiResponse(OpenApiTypes.BINARY, description="全部字节")
_PART = OpenApiResponse(OpenApiTypes.BINARY, description="所请求的一段字节，见 Content-Range")
_HEADERS = [
    OpenApiParameter("Range", str, "header", description="`bytes=first-last`；一次一段，多段则返回全部"),
    OpenApiParameter("If-Range", str, "header", description="ETag；与现在的不同则返回全部"),
    OpenApiParameter("If-None-Match", str, "header", description="ETag；相同则返回 304"),
]
ORIGINALS = sorted({form.content_type for form in FORMATS} | {"audio/3gpp"})
PLAYED = sorted({MP4.content_type, M4A.content_type, AAC.content_type})
JPEG = "image/jpeg"


def _described(*content_types: str) -> Any:
    """One file in the document: whole, in part, unchanged, or refused."""
    answers: dict[Any, Any] = {(200, kind): _WHOLE for kind in content_types}
    answers |= {(206, kind): _PART for kind in content_types}
    answers |= {304: OpenApiResponse(description="没有变化"), 409: None, 416: None}
    return extend_schema(parameters=_HEADERS, responses=answers)


class UploadEvidence(APIView):
    """上传证据."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={201: EvidenceSerializer, 200: EvidenceSerializer},
    )
    def post(self, request: Request) -> Response:
        """Take one photo (JPEG, PNG, WebP, HEIC ≤ 20 MB, 50 megapixels), video (MP4 ≤ 100 MB) or voice note.

        A voice note (m4a, aac, amr) lasts 60 s at most. The content decides the type. The same
        `client_uid` and bytes again answer 200 with the first. 413 too large, 415 of no type that is
        taken, 422 empty, broken, too many pixels, too long.
        """
        user: Any = request.user
        if not access.may_upload(user):
            raise NotAllowed("您目前没有可以提交证据的岗位。", code="no_posting")
        given = UploadSerializer(data=uploads.body(request))
        given.is_valid(raise_exception=True)
        evidence, created = store.receive(**given.validated_data, by=user, at=clock.now())
        return Response(EvidenceSerializer(evidence).data, status=201 if created else 200)


class AnyAccept(BaseContentNegotiation):
    """Files are what they are, whatever `Accept` says; refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0] if parsers else None

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class OneFile(APIView):
    """A file of one piece of evidence, for whoever may see what it belongs to."""

    content_negotiation_class = AnyAccept

    def served(self, evidence: Evidence, at: datetime) -> serving.Served:
        raise NotImplementedError

    def answer(self, request: Request, evidence_id: int) -> HttpResponseBase:
        user: Any = request.user
        evidence = originals.find(evidence_id=evidence_id, by=user)
        return serving.answer(request, self.served(evidence, clock.now()))


class Original(OneFile):
    """原件."""

    @_described(*ORIGINALS)
    def get(self, request: Request, evidence_id: int) -> HttpResponseBase:
        """The bytes as received, checked against their hash; 409 `evidence_altered` where they are others."""
        answer = self.answer(request, evidence_id)
        if (tag := answer.get("ETag")) is not None:
            answer["X-Content-SHA256"] = tag.strip('"')
        return answer

    def served(self, evidence: Evidence, at: datetime) -> serving.Served:
        return _original(evidence, at)


class Thumbnail(OneFile):
    """缩略图."""

    @_described(JPEG)
    def get(self, request: Request, evidence_id: int) -> HttpResponseBase:
        """A JPEG of at most 480 px a side, upright and without EXIF; of a video its first picture.

        409 `no_picture` for a voice note.
        """
        return self.answer(request, evidence_id)

    def served(self, evidence: Evidence, at: datetime) -> serving.Served:
        return serving.copy(_copy(evidence, "thumbnail", at), JPEG, f"evidence-{evidence.pk}-480.jpg")


class Watermarked(OneFile):
    """水印副本."""

    @_described(JPEG)
    def get(self, request: Request, evidence_id: int) -> HttpResponseBase:
        """A JPEG of at most 2560 px a side that bears number, grid, time, place and SHA-256.

        Of a video its first picture. 409 `no_picture` for a voice note, `not_attached` while the file
        belongs to nothing.
        """
        return self.answer(request, evidence_id)

    def served(self, evidence: Evidence, at: datetime) -> serving.Served:
        return serving.copy(_copy(evidence, "watermarked", at), JPEG, f"evidence-{evidence.pk}-marked.jpg")


class Playback(OneFile):
    """播放."""

    @_described(*PLAYED)
    def get(self, request: Request, evidence_id: int) -> HttpResponseBase:
        """What a browser plays: the video or voice note itself; of AMR a copy in AAC.

        409 `nothing_to_play` for a photo.
        """
        return self.answer(request, evidence_id)

    def served(self, evidence: Evidence, at: datetime) -> serving.Served:
        content = copies.read(evidence=evidence, column="playback", at=at)
        if content is None:
            return _original(evidence, at)
        return serving.copy(content, M4A.content_type, f"evidence-{evidence.pk}-play.m4a")


def _copy(evidence: Evidence, column: str, at: datetime) -> bytes:
    return copies.read(evidence=evidence, column=column, at=at) or b""


def _original(evidence: Evidence, at: datetime) -> serving.Served:
    extension = (evidence.file.name or "").rpartition(".")[2]
    return serving.Served(
        f"evidence-{evidence.pk}.{extension}",
        evidence.content_type,
        evidence.size,
        evidence.sha256,
        whole=lambda: originals.open_original(evidence=evidence, at=at),
        part=lambda first, last: originals.Span(evidence, first, last, at),
    )
