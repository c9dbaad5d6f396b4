"""What the plan's endpoints take and answer (for the OpenAPI document)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework import serializers

from grids.models import BusinessEntity, CreditGrade
from kernel.accounts.masking import mask_text
from kernel.api import StrictSerializer
from kernel.api.shown import moment, person
from kernel.coordinates import distance_m
from leads.api.named import PersonOut
from leads.api.serializers import BIGGEST
from patrols.completion import Completed
from patrols.kinds import Cause, TaskKind, TaskState, notice_of
from patrols.models import PatrolTask, PlanRun
from patrols.reviews import LONGEST

MOST_EXCEPTIONS = 500


class PointOut(serializers.Serializer[Any]):
    lon = serializers.FloatField()
    lat = serializers.FloatField()
    crs = serializers.CharField()


class StopOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    address = serializers.CharField()
    location = PointOut(allow_null=True)


class TaskOut(serializers.Serializer[Any]):
    """`distance` is the way from the stop before in the same walk; `contact_line` how often somebody entered
    this month, and when last; `notice` what the doer may and may not do there."""

    id = serializers.IntegerField()
    version = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TaskKind.choices)
    kind_label = serializers.CharField()
    state = serializers.ChoiceField(choices=TaskState.choices)
    state_label = serializers.CharField()
    entity = StopOut()
    grid = serializers.CharField()
    assignee = PersonOut(allow_null=True)
    period = serializers.DateField()
    period_end = serializers.DateField()
    planned_on = serializers.DateField()
    sequence = serializers.IntegerField()
    grade = serializers.ChoiceField(choices=CreditGrade.choices, allow_blank=True)
    cause = serializers.ChoiceField(choices=Cause.choices)
    cause_label = serializers.CharField()
    without_entering = serializers.BooleanField()
    why = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)
    distance_m = serializers.IntegerField(allow_null=True)
    distance = serializers.CharField()
    contact_line = serializers.CharField()
    notice = serializers.CharField()


def task(row: PatrolTask, lines: Mapping[int, str], before: Mapping[int, BusinessEntity]) -> dict[str, Any]:
    """One task, read with its business, grid and assignee."""
    far = _far(before.get(row.pk), row.entity)
    return {
        "id": row.pk, "version": row.version, "kind": row.kind, "kind_label": TaskKind(row.kind).label,
        "state": row.state, "state_label": TaskState(row.state).label, "entity": stop(row.entity),
        "grid": row.grid.code, "assignee": person(row.assignee), "period": row.period.isoformat(),
        "period_end": row.period_end.isoformat(), "planned_on": row.planned_on.isoformat(),
        "sequence": row.sequence, "grade": row.grade, "cause": row.cause,
        "cause_label": Cause(row.cause).label, "without_entering": row.without_entering,
        "why": mask_text(row.why), "done_at": moment(row.done_at), "distance_m": far,
        "distance": said_distance(far),
        "contact_line": lines.get(row.entity_id, ""), "notice": notice_of(row.kind),
    }  # fmt: skip


def stop(entity: BusinessEntity) -> dict[str, Any]:
    placed = entity.lon is not None and entity.lat is not None
    return {
        "id": entity.pk, "name": entity.name, "address": entity.address,
        "location": {"lon": entity.lon, "lat": entity.lat, "crs": "wgs84"} if placed else None,
    }  # fmt: skip


def _far(before: BusinessEntity | None, here: BusinessEntity) -> int | None:
    if before is None or None in (before.lon, before.lat, here.lon, here.lat):
        return None
    return round(distance_m(before.lon or 0, before.lat or 0, here.lon or 0, here.lat or 0))


def said_distance(far: int | None) -> str:
    if far is None:
        return ""
    return f"距上一户{far}米" if far < 1000 else f"距上一户{far / 1000:.1f}公里"


# --- reviews ---------------------------------------------------------------------------------------


class ReviewOut(serializers.Serializer[Any]):
    """`total`, `before`, `after` are of the review that opened the quarter; null where there was none.
    `changed`: the grade moved, look at it first."""

    task = serializers.IntegerField()
    entity = StopOut()
    grid = serializers.CharField()
    state = serializers.ChoiceField(choices=TaskState.choices)
    grade = serializers.ChoiceField(choices=CreditGrade.choices, allow_null=True)
    total = serializers.CharField(allow_null=True)
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)
    changed = serializers.BooleanField()
    confirmed_by = PersonOut(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)
    exception = serializers.CharField()


class OpenedReviewSerializer(StrictSerializer):
    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    note = serializers.CharField(max_length=LONGEST)


class ConfirmSerializer(StrictSerializer):
    quarter = serializers.DateField()
    grid = serializers.CharField(max_length=20)
    exceptions = serializers.ListField(
        child=OpenedReviewSerializer(), required=False, default=list, max_length=MOST_EXCEPTIONS
    )


class ConfirmedOut(serializers.Serializer[Any]):
    quarter = serializers.DateField()
    grid = serializers.CharField()
    businesses = serializers.IntegerField()
    exceptions = serializers.IntegerField()
    confirmed_at = serializers.DateTimeField()


# --- completion, frequency, plans ------------------------------------------------------------------


class CompletedOut(serializers.Serializer[Any]):
    """`rate` null: nothing was due. `done_early`, `open`: of periods that still run, in no rate."""

    grid = serializers.CharField()
    grid_name = serializers.CharField()
    kind = serializers.ChoiceField(choices=TaskKind.choices)
    kind_label = serializers.CharField()
    due = serializers.IntegerField()
    done = serializers.IntegerField()
    rate = serializers.FloatField(allow_null=True)
    done_early = serializers.IntegerField()
    open = serializers.IntegerField()


class CompletionOut(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField()
    key_supervisions = serializers.IntegerField()
    totals = CompletedOut(many=True)
    grids = CompletedOut(many=True)


def completed(row: Completed) -> dict[str, Any]:
    return row._asdict() | {"kind_label": TaskKind(row.kind).label, "rate": row.rate}


class FrequencyOut(serializers.Serializer[Any]):
    grade = serializers.CharField()
    grade_label = serializers.CharField()
    cause = serializers.ChoiceField(choices=Cause.choices)
    cause_label = serializers.CharField()
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=TaskKind.choices))
    kind_labels = serializers.ListField(child=serializers.CharField())
    entities = serializers.IntegerField()


class FrequenciesOut(serializers.Serializer[Any]):
    results = FrequencyOut(many=True)


class BusyOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    grids = serializers.CharField()
    tasks = serializers.IntegerField()
    day = serializers.DateField(required=False)
    week = serializers.DateField(required=False)


class LoadOut(serializers.Serializer[Any]):
    workers = BusyOut(many=True)
    commissioners = BusyOut(many=True)


class PlanRunOut(serializers.Serializer[Any]):
    """`counts`: tasks made by kind, `cancelled`, `asked`, `without_grid`, `without_person`."""

    id = serializers.IntegerField()
    for_date = serializers.DateField()
    at = serializers.DateTimeField()
    counts = serializers.DictField(child=serializers.IntegerField())
    load = LoadOut()
    needs_consent = serializers.BooleanField()
    consented_by = PersonOut(allow_null=True)
    consented_at = serializers.DateTimeField(allow_null=True)


def plan_runs(rows: Sequence[PlanRun]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk, "for_date": row.for_date.isoformat(), "at": moment(row.at), "counts": row.counts,
            "load": row.load, "needs_consent": row.needs_consent, "consented_by": person(row.consented_by),
            "consented_at": moment(row.consented_at),
        }
        for row in rows
    ]  # fmt: skip
