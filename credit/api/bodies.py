"""Credit in JSON. Plain functions over rows; see `shapes`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from credit import appeals as appeal_service
from credit import ledger, schemes
from credit.explaining import Reading, tell
from credit.facts import LEVEL_LABELS
from credit.models import (
    Appeal,
    CreditAssessment,
    CreditFact,
    CreditScheme,
    CreditStanding,
    RedPartner,
    Repair,
)
from credit.movement import HELD
from credit.partners import LIVING
from credit.scheme_values import SECTIONS, VALUES
from credit.wording import CAPS, VETOES, number_in
from grids.models import BusinessEntity
from kernel.api.shown import moment, person
from kernel.approvals.models import Approval
from kernel.notices.policy import masked

Body = dict[str, Any]


def shop(entity: BusinessEntity) -> Body:
    return {"id": entity.pk, "name": entity.name, "grid": entity.grid.code if entity.grid else None}


def words(text: str, *, mask: bool) -> str:
    return str(masked(text)) if mask else text


def facts(rows: Iterable[CreditFact]) -> list[Body]:
    """One statement more: which of them are withdrawn."""
    rows = list(rows)
    gone = ledger.withdrawn(row.source for row in rows)
    return [fact(row, gone) for row in rows]


def fact(row: CreditFact, gone: Collection[str] = ()) -> Body:
    return {
        "id": row.pk,
        "entity": row.entity_id,
        "kind": row.kind,
        "kind_label": row.get_kind_display(),
        "level": row.level,
        "level_label": LEVEL_LABELS.get(row.level, ""),
        "ref": row.ref,
        "source": row.source,
        "at": moment(row.at),
        "happened_on": row.happened_on.isoformat(),
        "until": row.until.isoformat() if row.until else None,
        "what": str(row.data.get("what", "")),
        "number": number_in(row.data),
        "withdrawn": row.source in gone,
        "recorded_at": moment(row.recorded_at),
    }


def _coded(codes: Sequence[str], names: dict[str, str]) -> list[Body]:
    return [{"code": code, "label": names.get(code, code)} for code in codes]


def _scored(row: CreditStanding | CreditAssessment) -> Body:
    return {
        "indicators": {f"I{place}": str(getattr(row, f"i{place}")) for place in range(1, 9)},
        "total": str(row.total),
        "computed_grade": row.computed_grade,
        "effective_grade": row.effective_grade,
        "cause": row.cause,
        "caps": _coded(row.caps, CAPS),
        "vetoes": _coded(row.vetoes, VETOES),
        "held_by": _coded(row.held_by, HELD),
        "scheme": row.scheme.version,
    }


def assessment(row: CreditAssessment) -> Body:
    return {
        **_scored(row),
        "id": row.pk,
        "entity": row.entity_id,
        "trigger": row.trigger,
        "trigger_label": row.get_trigger_display(),
        "previous_grade": row.previous_grade,
        "at": moment(row.at),
        "on": row.on.isoformat(),
    }


def entity_credit(entity: BusinessEntity, reading: Reading) -> Body:
    """Everything about one business's grade. Three statements beside the reading's."""
    standing, told = reading.standing, tell(reading.case)
    title = RedPartner.objects.filter(entity=entity, state__in=LIVING)
    return {
        "entity": shop(entity),
        "standing": None
        if standing is None
        else {
            **_scored(standing),
            "effective_since": standing.effective_since.isoformat(),
            "assessed_at": moment(standing.assessed_at),
            "assessment": reading.assessment,
        },
        "on": told.on.isoformat(),
        "text": told.text,
        "sections": [
            {"code": one.code, "title": one.title, "text": one.text, "points": one.points, "most": one.most}
            for one in told.sections
        ],
        "facts": facts(CreditFact.objects.filter(entity=entity).order_by("-id")[:200]),
        "red_partner": title.values_list("state", flat=True).first(),
    }


# --- appeals, repairs, partners --------------------------------------------------------------------


def waiting(kind: str, numbers: Collection[int]) -> dict[int, Approval]:
    """The approvals that wait about these rows, by row. One statement."""
    rows = Approval.objects.waiting().filter(subject_kind=kind, subject_id__in=numbers)
    return {row.subject_id: row for row in rows}


def _asked(row: Appeal | Repair, approval: Approval | None, *, mask: bool) -> Body:
    return {
        "id": row.pk,
        "entity": shop(row.entity),
        "state": row.state,
        "state_label": row.get_state_display(),
        "reason": words(row.reason, mask=mask),
        "evidence": row.evidence,
        "asked_by": person(row.asked_by),
        "asked_at": moment(row.asked_at),
        "due_at": moment(approval.due_at) if approval else None,
        "approval": approval.pk if approval else None,
        "decided_by": person(row.decided_by),
        "decided_at": moment(row.decided_at),
        "note": words(row.note, mask=mask),
        "version": row.version,
    }


def appeals(rows: Sequence[Appeal], *, mask: bool) -> list[Body]:
    """Three statements at most, whatever their number."""
    asked = waiting(appeal_service.KIND, [row.pk for row in rows])
    gone = appeal_service.withdrawn_by(rows)
    found = []
    for row in rows:
        withdrawn = gone.get(row.pk, [])
        text = appeal_service.answer_text(row, facts=withdrawn, grade=row.entity.credit_grade or "")
        found.append(
            {
                **_asked(row, asked.get(row.pk), mask=mask),
                "assessment": row.assessment_id,
                "assessed_on": row.assessment.on.isoformat(),
                "grade": row.assessment.effective_grade,
                "disputed": sorted(one.pk for one in row.disputed.all()),
                "withdrawn": [one.pk for one in withdrawn],
                "answer": words(text, mask=mask),
            }
        )
    return found


def repairs(rows: Sequence[Repair], *, mask: bool) -> list[Body]:
    """Two statements, whatever their number."""
    asked = waiting("credit_repair", [row.pk for row in rows])
    told = {one["id"]: one for one in facts([row.fact for row in rows])}
    return [{**_asked(row, asked.get(row.pk), mask=mask), "fact": told[row.fact_id]} for row in rows]


def red_partner(row: RedPartner, *, mask: bool) -> Body:
    return {
        "id": row.pk,
        "entity": shop(row.entity),
        "community": row.community.name,
        "state": row.state,
        "state_label": row.get_state_display(),
        "reason": words(row.reason, mask=mask),
        "nominated_by": person(row.nominated_by),
        "nominated_at": moment(row.nominated_at),
        "decided_by": person(row.decided_by),
        "decided_at": moment(row.decided_at),
        "suspended_at": moment(row.suspended_at),
        "revoked_by": person(row.revoked_by),
        "revoked_at": moment(row.revoked_at),
        "note": words(row.note, mask=mask),
        "version": row.version,
    }


# --- schemes ---------------------------------------------------------------------------------------


def scheme_row(row: CreditScheme) -> Body:
    return {
        "id": row.pk,
        "number": row.version,
        "title": row.title,
        "basis": row.basis,
        "state": row.state,
        "in_force_at": moment(row.in_force_at),
        "retired_at": moment(row.retired_at),
        "drafted_by": person(row.drafted_by),
        "drafted_at": moment(row.drafted_at),
        "decided_by": person(row.decided_by),
        "version": row.revision,
    }


def scheme(row: CreditScheme, *, trial: Any = None) -> Body:
    """One scheme with all its values by name. One statement more for a draft, or for what is in force."""
    base = None
    if row.state == CreditScheme.State.DRAFT:
        current = CreditScheme.objects.filter(state=CreditScheme.State.IN_FORCE)
        base = current.values_list("rules", flat=True).first()
    in_force = row.state == CreditScheme.State.IN_FORCE
    done, of = schemes.regraded(row) if in_force else (0, 0)
    return {
        **scheme_row(row),
        "rules": row.rules,
        "values": [
            {
                "section": section,
                "section_label": SECTIONS[section],
                "name": name,
                "label": value.label,
                "unit": value.unit,
                "value": row.rules[section][name],
            }
            for (section, name), value in VALUES.items()
        ],
        "changes": [
            {"path": one.path, "label": one.label, "before": one.before, "after": one.after}
            for one in (schemes.differences(base, row.rules) if base else [])
        ],
        "tried": schemes.is_tried(row),
        "trial": trial,
        "trial_at": moment(row.trial_at),
        "trial_asked_at": moment(row.trial_asked_at),
        "trial_done": row.trial_done,
        "trial_error": row.trial_error,
        "regraded": {"done": done, "of": of} if in_force else None,
    }
