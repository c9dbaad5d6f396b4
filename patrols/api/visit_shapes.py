"""What the endpoints of visits take, and the shapes they answer with (for the OpenAPI document)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers

from grids.coordinates import PlaceField
from kernel.accounts.masking import mask_text
from kernel.api import StrictSerializer
from kernel.api.shown import moment, person
from kernel.evidence.models import Evidence
from leads.api.named import LeadNameOut, PersonOut
from leads.api.serializers import BIGGEST, EvidenceListField
from leads.models import Severity
from patrols.entering import Before
from patrols.files import evidence_of
from patrols.given import Exceptional, Finding, Given, Papers, Stretch
from patrols.kinds import How, Result, TaskKind, TaskState, notice_of
from patrols.models import PatrolTask, PatrolVisit

VERSIONS = 2**31 - 1


class FindingSerializer(StrictSerializer):
    """What is wrong; shop, place and grid come from the visit. Nobody disposes of anything here."""

    category = serializers.CharField(max_length=3)
    description = serializers.CharField(max_length=2000, required=False, allow_blank=True, default="")
    severity = serializers.ChoiceField(
        choices=Severity.choices, required=False, allow_null=True, default=None
    )
    fixed_on_spot = serializers.BooleanField(required=False, default=False)
    evidence = EvidenceListField(required=False, default=((), ()))


class PapersSerializer(StrictSerializer):
    """Papers of an administrative inspection; `second_officer` is a person's number."""

    second_officer = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    basis = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    approval_no = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    notice_no = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")
    platform_no = serializers.CharField(max_length=60, required=False, allow_blank=True, default="")


class SaidSerializer(StrictSerializer):
    """What is said of one shop."""

    result = serializers.ChoiceField(choices=Result.choices)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    evidence = EvidenceListField(required=False, default=((), ()))
    lead = FindingSerializer(required=False, allow_null=True, default=None)


class CompleteTaskSerializer(SaidSerializer):
    """`POST patrols/tasks/{id}/complete/`."""

    client_uid = serializers.UUIDField()
    how = serializers.ChoiceField(choices=How.choices, required=False, default=How.SINGLE)
    location = PlaceField(required=False, allow_null=True, default=None)
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    inspection = PapersSerializer(required=False, allow_null=True, default=None)

    def given(self, *, clock_skewed: bool = False) -> Given:
        said = self.validated_data
        ids, hashes = said["evidence"]
        papers = said.get("inspection")
        return Given(
            client_uid=said["client_uid"],
            result=Result(said["result"]),
            how=How(said["how"]),
            note=said["note"].strip(),
            evidence=ids,
            awaited=hashes,
            lon=said["location"] and said["location"]["lon"],
            lat=said["location"] and said["location"]["lat"],
            captured_at=said["captured_at"],
            finding=finding(said["lead"]),
            papers=None
            if papers is None
            else Papers(
                papers["second_officer"],
                papers["basis"].strip(),
                papers["approval_no"].strip(),
                papers["notice_no"].strip(),
                papers["platform_no"].strip(),
            ),
            clock_skewed=clock_skewed,
        )


class VisitSerializer(CompleteTaskSerializer):
    """`POST patrols/visits/`: outside the plan, so without papers and records."""

    inspection = None  # type: ignore[assignment]
    entity = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class TaskSeenSerializer(StrictSerializer):
    id = serializers.IntegerField(min_value=1, max_value=BIGGEST)
    version = serializers.IntegerField(min_value=1, max_value=VERSIONS)


class ShopSaidSerializer(SaidSerializer):
    task = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class StretchSerializer(StrictSerializer):
    """`POST patrols/tasks/complete-batch/`: all well but the exceptions. Versions stand beside the tasks."""

    client_uid = serializers.UUIDField()
    tasks = TaskSeenSerializer(many=True, max_length=200)  # type: ignore[call-arg]
    exceptions = ShopSaidSerializer(  # type: ignore[call-arg]
        many=True, required=False, default=list, max_length=200
    )
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    location = PlaceField(required=False, allow_null=True, default=None)
    captured_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def stretch(self, *, clock_skewed: bool = False) -> Stretch:
        said = self.validated_data
        return Stretch(
            client_uid=said["client_uid"],
            tasks=tuple((one["id"], one["version"]) for one in said["tasks"]),
            exceptions=tuple(
                Exceptional(
                    one["task"],
                    Result(one["result"]),
                    one["note"].strip(),
                    evidence=one["evidence"][0],
                    awaited=one["evidence"][1],
                    finding=finding(one["lead"]),
                )
                for one in said["exceptions"]
            ),
            note=said["note"].strip(),
            lon=said["location"] and said["location"]["lon"],
            lat=said["location"] and said["location"]["lat"],
            captured_at=said["captured_at"],
            clock_skewed=clock_skewed,
        )


def finding(said: dict[str, Any] | None) -> Finding | None:
    if said is None:
        return None
    ids, hashes = said["evidence"]
    return Finding(
        said["category"], said["description"], said["severity"], said["fixed_on_spot"], ids, hashes
    )


# --- answers ---------------------------------------------------------------------------------------


class NamedOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class TaskNameOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TaskKind.choices)
    kind_label = serializers.CharField()
    state = serializers.ChoiceField(choices=TaskState.choices)
    version = serializers.IntegerField()
    period = serializers.DateField()
    period_end = serializers.DateField()
    planned_on = serializers.DateField()
    without_entering = serializers.BooleanField()


class VisitFileOut(serializers.Serializer[Any]):
    id = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField()
    missing = serializers.BooleanField()


class PapersOut(serializers.Serializer[Any]):
    officer = PersonOut()
    officer_card = serializers.CharField()
    second_officer = PersonOut()
    second_officer_card = serializers.CharField()
    basis = serializers.CharField()
    approval_no = serializers.CharField()
    notice_no = serializers.CharField()
    platform_no = serializers.CharField()
    entered = serializers.BooleanField()


class VisitOut(serializers.Serializer[Any]):
    """`task` null: outside the plan. `stretch` ties the visits of one go along a street together."""

    id = serializers.IntegerField()
    client_uid = serializers.UUIDField()
    task = TaskNameOut(allow_null=True)
    entity = NamedOut()
    grid = serializers.CharField()
    by = PersonOut()
    on_behalf_of = PersonOut(allow_null=True)
    result = serializers.ChoiceField(choices=Result.choices)
    result_label = serializers.CharField()
    how = serializers.ChoiceField(choices=How.choices)
    how_label = serializers.CharField()
    stretch = serializers.UUIDField(allow_null=True)
    reason = serializers.CharField()
    note = serializers.CharField()
    location = PlaceField(allow_null=True)
    evidence = VisitFileOut(many=True)
    lead = LeadNameOut(allow_null=True)
    inspection = PapersOut(allow_null=True)
    captured_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    done_on = serializers.DateField()
    notice = serializers.CharField()


class StretchOut(serializers.Serializer[Any]):
    stretch = serializers.UUIDField()
    visits = VisitOut(many=True)


class BeforeOut(serializers.Serializer[Any]):
    """What to know at the door. `line` says how often somebody entered this month, and when last."""

    entity = NamedOut()
    line = serializers.CharField()
    reason_required = serializers.BooleanField()
    inspections_this_year = serializers.IntegerField()
    inspections_a_year = serializers.IntegerField()
    may_enter_for_check = serializers.BooleanField()
    tasks = TaskNameOut(many=True)


# --- bodies ----------------------------------------------------------------------------------------


def task_name(task: PatrolTask) -> dict[str, Any]:
    return {
        "id": task.pk,
        "kind": task.kind,
        "kind_label": TaskKind(task.kind).label,
        "state": task.state,
        "version": task.version,
        "period": task.period.isoformat(),
        "period_end": task.period_end.isoformat(),
        "planned_on": task.planned_on.isoformat(),
        "without_entering": task.without_entering,
    }


def visits(rows: Sequence[PatrolVisit], *, mask: bool = True) -> list[dict[str, Any]]:
    """Visits read with all that a row shows, with their files: one statement beside."""
    files = evidence_of(rows)
    return [_visit(row, files.get(row.pk, {}), mask=mask) for row in rows]


def place(row: PatrolVisit) -> dict[str, Any] | None:
    return None if row.lon is None else {"lon": row.lon, "lat": row.lat, "crs": "wgs84", "accuracy_m": None}


def _visit(row: PatrolVisit, files: dict[str, Evidence], *, mask: bool) -> dict[str, Any]:
    paper = getattr(row, "paper", None)
    return {
        "id": row.pk,
        "client_uid": str(row.client_uid),
        "task": task_name(row.task) if row.task else None,
        "entity": {"id": row.entity_id, "name": row.entity.name},
        "grid": row.grid.code,
        "by": person(row.by),
        "on_behalf_of": person(row.on_behalf_of),
        "result": row.result,
        "result_label": Result(row.result).label,
        "how": row.how,
        "how_label": How(row.how).label,
        "stretch": str(row.stretch) if row.stretch else None,
        "reason": mask_text(row.reason) if mask else row.reason,
        "note": mask_text(row.note) if mask else row.note,
        "location": place(row),
        "evidence": [
            {"id": files[sha].pk if sha in files else None, "sha256": sha, "missing": sha not in files}
            for sha in row.evidence
        ],
        "lead": {"id": row.lead.pk, "number": row.lead.number} if row.lead else None,
        "inspection": None
        if paper is None
        else {
            "officer": person(paper.officer),
            "officer_card": paper.officer_card,
            "second_officer": person(paper.second_officer),
            "second_officer_card": paper.second_officer_card,
            "basis": paper.basis,
            "approval_no": paper.approval_no,
            "notice_no": paper.notice_no,
            "platform_no": paper.platform_no,
            "entered": paper.entered,
        },
        "captured_at": moment(row.captured_at),
        "received_at": moment(row.at),
        "done_on": row.done_on.isoformat(),
        "notice": notice_of(row.task.kind if row.task else TaskKind.DAILY_PATROL),
    }  # fmt: skip


def before(told: Before) -> dict[str, Any]:
    return {
        "entity": {"id": told.entity.pk, "name": told.entity.name},
        "line": told.line,
        "reason_required": told.reason_required,
        "inspections_this_year": told.inspections_this_year,
        "inspections_a_year": told.inspections_a_year,
        "may_enter_for_check": told.may_enter_for_check,
        "tasks": [task_name(task) for task in told.tasks],
    }
