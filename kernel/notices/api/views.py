"""The in-app inbox (API.md): one's own notices and nobody else's."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from kernel import clock
from kernel.api import StrictSerializer
from kernel.notices import inbox
from kernel.notices.api.serializers import NoticeSerializer
from kernel.notices.models import OutboxMessage


class NoticeFilters(django_filters.FilterSet):
    """`?unread=true|false`."""

    unread = django_filters.BooleanFilter(field_name="read_at", lookup_expr="isnull", label="只看未读")

    class Meta:
        model = OutboxMessage
        fields = ["unread"]


class NoticeList(generics.ListAPIView[OutboxMessage]):
    """我的通知, newest first."""

    serializer_class = NoticeSerializer
    filterset_class = NoticeFilters
    queryset = OutboxMessage.objects.none()

    def get_queryset(self) -> QuerySet[OutboxMessage]:
        if getattr(self, "swagger_fake_view", False):
            return OutboxMessage.objects.none()
        return OutboxMessage.objects.visible_to(self.request.user)  # type: ignore[arg-type]


class ReadNotice(APIView):
    """标为已读."""

    @extend_schema(request=None, responses=NoticeSerializer)
    def post(self, request: Request, notice_id: int) -> Response:
        """Mark an own notice as read; again is harmless."""
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        user: Any = request.user
        notice = inbox.mark_read(notice_id=notice_id, by=user, at=clock.now())
        return Response(NoticeSerializer(notice).data)
