"""调解协议书 as PDF and .docx: what was signed, and the draft that the parties read before."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar
from urllib.parse import quote

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from kernel.api import both_slashes
from kernel.errors import Malformed, NotVisible
from kernel.evidence.api.views import AnyAccept
from leads.api.views import user_of
from stations import documents
from stations.acts import BIGGEST
from stations.api import given as g
from stations.documents import Paper
from stations.models import Agreement, Dispute

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
WHICH = OpenApiParameter("agreement", int, description="编号；不填为最近一份")


def saved(content: bytes, kind: str, name: str) -> HttpResponse:
    """A file that names people: kept by nobody on the way."""
    plain = name.rpartition("书")[2]
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "no-store",
    }
    return HttpResponse(content, content_type=kind, headers=headers)


class SignedPaper(APIView):
    """The paper of a signed agreement."""

    content_negotiation_class = AnyAccept
    kind: ClassVar[str]
    ending: ClassVar[str]
    make: ClassVar[Callable[[Paper], bytes]]

    def get(self, request: Request, pk: int) -> HttpResponse:
        seen = Dispute.objects.visible_to(user_of(request)).filter(pk=pk)
        rows = Agreement.objects.filter(dispute__in=seen.values("id")).order_by("-id")
        asked = request.query_params.get("agreement")
        if asked:
            rows = rows.filter(pk=_number(asked))
        found = rows.values_list("id", flat=True).first()
        if found is None:
            raise NotVisible(documents.UNKNOWN)
        paper = documents.printed(agreement_id=found, by=user_of(request))
        return saved(type(self).make(paper), self.kind, f"{paper.name}.{self.ending}")


def _number(said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) < 20):
        raise Malformed("协议编号应为数字。", code="invalid", attr="agreement")
    return min(int(said), BIGGEST)


class SignedPdf(SignedPaper):
    kind, ending, make = PDF, "pdf", documents.pdf

    @extend_schema(
        operation_id="disputes_agreement_pdf",
        parameters=[WHICH],
        responses={(200, PDF): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """For who handles the dispute, its office, and the mediator who signed; each is noted."""
        return super().get(request, pk)


class SignedDocx(SignedPaper):
    kind, ending, make = DOCX, "docx", documents.docx

    @extend_schema(
        operation_id="disputes_agreement_docx",
        parameters=[WHICH],
        responses={(200, DOCX): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The same as a Word file."""
        return super().get(request, pk)


class PreviewPaper(APIView):
    """What the parties read before they sign: changes nothing, and needs no `If-Match`."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="disputes_agreement_preview",
        request=g.AgreementTermsSerializer,
        responses={(200, PDF): OpenApiTypes.BINARY},
    )
    def post(self, request: Request, pk: int) -> HttpResponse:
        form = g.AgreementTermsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        paper = documents.draft(dispute_id=pk, by=user_of(request), given=form.agreed())
        return saved(documents.pdf(paper), PDF, f"{paper.name}-draft.pdf")


urlpatterns = [
    *both_slashes("disputes/<int:pk>/agreement.pdf", SignedPdf.as_view(), "dispute-agreement-pdf"),
    *both_slashes("disputes/<int:pk>/agreement.docx", SignedDocx.as_view(), "dispute-agreement-docx"),
    *both_slashes("disputes/<int:pk>/agreement/preview", PreviewPaper.as_view(), "dispute-agreement-preview"),
]
