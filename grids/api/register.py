"""The register over the API: kept true on the spot, with its history, contacts and likenesses (API.md)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from grids import (
    contacts,
    duplicates,
    key_changes,
    register,
    register_history,
    register_licences,
    same_business,
)
from grids.access import scope_of
from grids.api import filters as f
from grids.api import register_shapes as shapes
from grids.api.people import me
from grids.api.task_lists import IF_MATCH
from grids.api.views import EntityList as EntityReads
from grids.models import BusinessEntity, Community, DuplicatePair, EntityContact, Grid, KeyChange
from grids.register import EquipmentGiven, Given, LicenceGiven
from grids.register_reveal import reveal
from grids.register_rights import keeper_seat
from kernel import clock
from kernel.accounts.models import User
from kernel.api import CursorPages, etag, require_version
from kernel.api.versions import requested_version
from kernel.journal.models import Entry

STALE = OpenApiResponse(description="stale")
SHOWN_LIKENESSES = 10


# --- one business ----------------------------------------------------------------------------------


def whole(user: Any) -> QuerySet[BusinessEntity]:
    """The visible businesses with what a detail shows."""
    rows: QuerySet[BusinessEntity] = BusinessEntity.objects.visible_to(user)
    return rows.select_related("grid", "community").prefetch_related("licences", "equipment")


def answer(request: Request, entity_id: int, *, code: int = status.HTTP_200_OK) -> Response:
    """The business in whole, as it stands now. Eight statements."""
    entity = get_object_or_404(whole(request.user), pk=entity_id)
    body = shapes.EntityDetailSerializer(entity, context=beside(me(request), entity)).data
    return Response(body, status=code, headers={"ETag": etag(entity.version)})


def beside(user: User, entity: BusinessEntity) -> dict[str, Any]:
    """What a detail shows beside the row."""
    asked = KeyChange.objects.select_related("entity", "asked_by", "decided_by")
    return {
        "line": contacts.lines([entity.pk], clock.now())[entity.pk],
        "waiting": asked.filter(entity=entity, state=KeyChange.State.WAITING).first(),
        "alike": alike(user, entity),
        "keeps": keeper_seat(scope_of(user), entity.grid) is not None,
    }


def alike(user: User, entity: BusinessEntity) -> list[dict[str, Any]]:
    """The businesses that may be the same, as far as this person sees them."""
    rows = DuplicatePair.objects.visible_to(user).open().filter(Q(first=entity) | Q(second=entity))
    pairs = rows.select_related("first__grid", "second__grid").order_by("-id")[:SHOWN_LIKENESSES]
    return [
        {
            "pair": pair.pk,
            "why": pair.why,
            "entity": shapes.like(pair.second if pair.first_id == entity.pk else pair.first),
        }
        for pair in pairs
    ]


class EntityList(EntityReads):
    """The register. With `near=lon,lat` (and `crs`, WGS-84 if left out): the 10 nearest, with distance."""

    @extend_schema(
        operation_id="entities_create",
        request=shapes.NewEntityIn,
        responses={200: shapes.EntityDetailSerializer, 201: shapes.EntityDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Put a business on the register. `possible_duplicates` names those that may be the same."""
        body = shapes.NewEntityIn(data=request.data)
        body.is_valid(raise_exception=True)
        given = _given(body.validated_data)
        entity, new = register.create(by=me(request), given=Given(**given))
        return answer(request, entity.pk, code=status.HTTP_201_CREATED if new else status.HTTP_200_OK)


class EntityDetail(generics.GenericAPIView[BusinessEntity]):
    """One business, by number."""

    queryset = BusinessEntity.objects.none()
    serializer_class = shapes.EntityDetailSerializer

    @extend_schema(operation_id="entities_read", responses=shapes.EntityDetailSerializer)
    def get(self, request: Request, pk: int) -> Response:
        return answer(request, pk)

    @extend_schema(
        operation_id="entities_change",
        request=shapes.ChangedEntityIn,
        parameters=[IF_MATCH],
        responses={200: shapes.EntityDetailSerializer, 412: STALE},
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a business; `waiting` says what waits for the commissioner."""
        requested_version(request)
        get_object_or_404(BusinessEntity.objects.visible_to(request.user), pk=pk)
        body = shapes.ChangedEntityIn(data=request.data)
        body.is_valid(raise_exception=True)
        said = dict(body.validated_data)
        reason = said.pop("reason", "")
        register.edit(
            entity_id=pk,
            by=me(request),
            expect=partial(require_version, request),
            changes=_given(said),
            reason=reason,
        )
        return answer(request, pk)


class EntityByCode(APIView):
    """One business, by the code of the sticker on its door (一店一码). Of two entries that are one business
    both stickers lead to the one that stands."""

    @extend_schema(operation_id="entities_by_code", responses=shapes.EntityDetailSerializer)
    def get(self, request: Request, code: str) -> Response:
        rows = BusinessEntity.objects.visible_to(request.user)
        found = get_object_or_404(rows, code=code.upper()).pk
        stands = same_business.survivor_of(found)
        return answer(request, stands if rows.filter(pk=stands).exists() else found)


def _given(said: Mapping[str, Any]) -> dict[str, Any]:
    """The body in the words of the register's services."""
    found = {k: v for k, v in said.items() if k not in ("location", "community", "grid", "operator")}
    if "operator" in said:
        found["operator_name"] = said["operator"]
    if "location" in said:
        found["lon"], found["lat"] = float(said["location"]["lon"]), float(said["location"]["lat"])
    if "community" in said:
        found["community_id"] = _id_of(Community, "community", said["community"], "没有这个社区。")
    if "grid" in said:
        found["grid_id"] = _id_of(Grid, "grid", said["grid"], "没有这个网格。")
    if "licences" in said:
        found["licences"] = [LicenceGiven(**one) for one in said["licences"]]
    if "equipment" in said:
        found["equipment"] = [EquipmentGiven(**one) for one in said["equipment"]]
    return found


def _id_of(model: Any, attr: str, code: str, refusal: str) -> int:
    found: int | None = model.objects.filter(code=code).values_list("id", flat=True).first()
    if found is None:
        raise serializers.ValidationError({attr: refusal}, code=f"unknown_{attr}")
    return found


# --- what hangs on it ------------------------------------------------------------------------------


class _Act(APIView):
    """An act on one visible business that rests on a version."""

    def seen(self, request: Request, pk: int) -> None:
        requested_version(request)
        get_object_or_404(BusinessEntity.objects.visible_to(request.user), pk=pk)


class EntityLicences(_Act):
    """Licences as they should stand: added, renewed, ended. What is not named stays."""

    @extend_schema(
        operation_id="entities_licences",
        request=shapes.LicencesIn,
        parameters=[IF_MATCH],
        responses={200: shapes.EntityDetailSerializer, 412: STALE},
    )
    def post(self, request: Request, pk: int) -> Response:
        self.seen(request, pk)
        body = shapes.LicencesIn(data=request.data)
        body.is_valid(raise_exception=True)
        register_licences.keep_licences(
            entity_id=pk,
            by=me(request),
            expect=partial(require_version, request),
            licences=_given(body.validated_data)["licences"],
        )
        return answer(request, pk)


class EntityEquipment(_Act):
    """Equipment as it should stand: added, tested anew, ended. What is not named stays."""

    @extend_schema(
        operation_id="entities_equipment",
        request=shapes.EquipmentListIn,
        parameters=[IF_MATCH],
        responses={200: shapes.EntityDetailSerializer, 412: STALE},
    )
    def post(self, request: Request, pk: int) -> Response:
        self.seen(request, pk)
        body = shapes.EquipmentListIn(data=request.data)
        body.is_valid(raise_exception=True)
        register_licences.keep_equipment(
            entity_id=pk,
            by=me(request),
            expect=partial(require_version, request),
            equipment=_given(body.validated_data)["equipment"],
        )
        return answer(request, pk)


class EntityReveal(APIView):
    """Show one masked value whole; the journal keeps who looked and why."""

    @extend_schema(
        operation_id="entities_reveal",
        request=shapes.RevealIn,
        responses={200: shapes.RevealedSerializer},
    )
    def post(self, request: Request, pk: int) -> Response:
        get_object_or_404(BusinessEntity.objects.visible_to(request.user), pk=pk)
        body = shapes.RevealIn(data=request.data)
        body.is_valid(raise_exception=True)
        value = reveal(entity_id=pk, by=me(request), **body.validated_data)
        said = {"field": body.validated_data["field"], "value": value}
        return Response(said, headers={"Cache-Control": "no-store"})


class EntityHistory(generics.ListAPIView[Entry]):
    """Who changed what, when, from what to what; the newest first."""

    queryset = Entry.objects.none()
    serializer_class = shapes.EntityHistorySerializer
    pagination_class = CursorPages
    filter_backends: Any = []

    def get_queryset(self) -> QuerySet[Entry]:
        if getattr(self, "swagger_fake_view", False):
            return Entry.objects.none()
        entity = get_object_or_404(BusinessEntity.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return register_history.entries(entity.pk).order_by("-id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        said = self.get_serializer([register_history.line(one) for one in page], many=True).data
        return self.get_paginated_response(said)


class EntityContacts(generics.ListAPIView[EntityContact]):
    """入企记录: who called at this business, when and why; the newest first."""

    queryset = EntityContact.objects.none()
    serializer_class = shapes.EntityContactSerializer
    pagination_class = CursorPages
    filterset_class = f.EntityContactFilter

    def get_queryset(self) -> QuerySet[EntityContact]:
        if getattr(self, "swagger_fake_view", False):
            return EntityContact.objects.none()
        entity = get_object_or_404(BusinessEntity.objects.visible_to(self.request.user), pk=self.kwargs["pk"])
        return contacts.of(entity.pk).select_related("by")


# --- key changes, likenesses -----------------------------------------------------------------------


class KeyChangeList(generics.ListAPIView[KeyChange]):
    """关键信息变更: decided as approvals (`approvals/{id}/approve/`); taken back by who asked."""

    queryset = KeyChange.objects.none()
    serializer_class = shapes.KeyChangeSerializer
    filterset_class = f.KeyChangeFilter

    def get_queryset(self) -> QuerySet[KeyChange]:
        rows: QuerySet[KeyChange] = KeyChange.objects.visible_to(me(self.request))
        return rows.select_related("entity", "asked_by", "decided_by")


class KeyChangeWithdraw(APIView):
    """Take back what one asked for."""

    @extend_schema(operation_id="key_changes_withdraw", request=None, responses=shapes.KeyChangeSerializer)
    def post(self, request: Request, pk: int) -> Response:
        row = key_changes.withdraw(key_change_id=pk, by=me(request))
        return Response(shapes.KeyChangeSerializer(row).data)


class DuplicateList(generics.ListAPIView[DuplicatePair]):
    """疑似重复主体 of which one sees both."""

    queryset = DuplicatePair.objects.none()
    serializer_class = shapes.DuplicatePairSerializer
    filterset_class = f.DuplicateFilter

    def get_queryset(self) -> QuerySet[DuplicatePair]:
        rows: QuerySet[DuplicatePair] = DuplicatePair.objects.visible_to(self.request.user)
        return rows.select_related("first__grid", "second__grid", "judged_by")


class DuplicateJudge(APIView):
    """Say whether a pair is one business; then the later one is closed, and its facts, licences and title
    count for the earlier one. `revise` with a reason turns a verdict round: what was joined is parted."""

    @extend_schema(
        operation_id="duplicates_judge", request=shapes.JudgeIn, responses=shapes.DuplicatePairSerializer
    )
    def post(self, request: Request, pk: int) -> Response:
        get_object_or_404(DuplicatePair.objects.visible_to(request.user), pk=pk)
        body = shapes.JudgeIn(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        pair = duplicates.judge(
            pair_id=pk,
            by=me(request),
            same=said["verdict"] == "same",
            note=said.get("note", ""),
            revise=said["revise"],
        )
        rows = DuplicatePair.objects.select_related("first__grid", "second__grid", "judged_by")
        return Response(shapes.DuplicatePairSerializer(rows.get(pk=pair.pk)).data)
