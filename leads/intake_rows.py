"""The rows of one report: decided from facts already read, written with one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from grids import staffing
from grids.access import Scope, Seat
from grids.locate import Match, locate
from grids.models import Grid
from grids.roles import DUTY_LEADER, DUTY_OFFICER, OFFICE_SIDE, Role, Section
from kernel.accounts.models import User
from kernel.deadlines import clocks
from kernel.deadlines import policy as arithmetic
from kernel.deadlines.models import Deadline
from kernel.deadlines.policy import Counting, Limit, WorkingCalendar
from kernel.evidence import awaiting
from kernel.journal.models import Entry
from kernel.notices import outbox, webhooks
from kernel.notices.webhooks import Step
from leads import (
    credit_facts,
    handing_back,
    identity,
    intake_notices,
    intake_sql,
    policy,
    routing,
    signing,
    snapshots,
    tip_offs,
)
from leads.intake_values import Facts, Made, Report
from leads.models import Category, Lead, LeadEvidence, LeadReporter, Severity, Side, Signature, Stage
from leads.owner_clocks import morning_clock, urgent_clocks
from leads.signing import Slot
from leads.states import State

SERVES_OFFICE = OFFICE_SIDE | {DUTY_OFFICER, DUTY_LEADER}


class Rows:
    """One report on its way to being a lead: filled step by step, written once."""

    def __init__(self, report: Report, by: User, scope: Scope, facts: Facts, category: Category) -> None:
        self.report, self.by, self.scope, self.facts, self.category = report, by, scope, facts, category
        self.at = facts.at
        self.found = policy.discovery(report.captured_at, facts.at)
        self.match: Match | None = None
        if report.lon is not None and report.lat is not None:
            self.match = locate(float(report.lon), float(report.lat), facts.boundary_version)
        entity = facts.entity or {}
        self.place = routing.place(
            self.match, entity_grid_id=entity.get("grid_id"), entity_grid_code=entity.get("grid_code")
        )
        self.people = (
            None if self.place.grid_id is None else staffing.routing_facts(self.place.grid_id, self.at)
        )
        self.owner = None if self.people is None else routing.owner(self.people, self.at, self._calendar)
        self.worker = self._worker_seat()

    def _worker_seat(self) -> Seat | None:
        """The grid worker's seat in which this person reports; None where he reports for the office.

        A seat in the located grid, held or stood in for; elsewhere only one of his own. Who serves the
        office himself, or gets this very lead, signs nothing for the community: he could never answer it.
        """
        if self.report.restricted:
            return None
        own = {seat.role for seat in self.scope.seats if seat.basis in ("own", "duty")}
        if own & SERVES_OFFICE or (self.owner is not None and self.owner.user_id == self.by.pk):
            return None
        here = self.scope.seat(Role.GRID_WORKER, grid_id=self.place.grid_id)
        anywhere = self.scope.seat(Role.GRID_WORKER, basis="own")
        return here or anywhere

    @cached_property
    def _calendar(self) -> WorkingCalendar | None:
        """Read only where a rule needs it: night dispatch, or a response clock that counts duty time."""
        needed = (self.people is not None and self.people.night_dispatch) or (
            self.facts.limits["respond"].counting is Counting.DUTY
        )
        return clocks.calendar() if needed else None

    # --- rows ----------------------------------------------------------------------------------

    def write(self) -> Made:
        files = self._attach()
        lead = self._lead(files)
        deadlines = self._deadlines(lead)
        signatures = self._signatures(lead)
        drafts = intake_notices.first_words(self, lead)
        reporter = [LeadReporter(lead_id=lead.pk, sealed=self._sealed())] if self.report.told else []
        intake_sql.write(
            [
                [lead],
                reporter,
                files,
                deadlines,
                signatures,
                self._journal(lead, files, signatures),
            ],
            outbox.insertion(drafts, at=self.at),
            webhooks.insertion(self._steps(lead), self.at),
            *credit_facts.reported(lead),
        )
        return Made(lead, True, deadlines, signatures, files)

    def _sealed(self) -> bytes:
        told = self.report.told
        return identity.seal(name=told.name, phone=told.phone) if told else b""

    def _attach(self) -> list[LeadEvidence]:
        """Bind the files that are there; those still to come are kept by their hash."""
        found = awaiting.gather(
            ids=self.report.evidence,
            awaited=self.report.awaited,
            subject_kind="lead",
            subject_id=self.facts.lead_id,
            by=self.by,
        )
        return [
            LeadEvidence(
                lead_id=self.facts.lead_id,
                sha256=sha,
                evidence=found.there.get(sha),
                stage=Stage.DISCOVERY,
                round=1,
                added_by_id=self.by.pk,
                added_at=self.at,
            )
            for sha in found.hashes
        ]

    def _lead(self, files: Sequence[LeadEvidence]) -> Lead:
        report, limits = self.report, self.facts.limits
        food = self.category.food
        feedback_due = self._feedback_due()
        secret = report.restricted
        runs_same_day = not secret and self.category.same_day
        lead = Lead(
            id=self.facts.lead_id,
            number=f"XS{arithmetic.local(self.at):%Y%m%d}-{self.facts.lead_id:06d}",
            client_uid=report.client_uid,
            content_digest=report.digest(),
            state=State.DISPATCHED if self.owner else State.REPORTED,
            owner_cycle=1 if self.owner else 0,
            category=self.category,
            severity=report.severity or self.category.severity,
            food=food,
            was_food=food,
            description=self._description(),
            lon=report.lon,
            lat=report.lat,
            accuracy_m=report.accuracy_m,
            crs_in=report.crs_in,
            grid=self._grid(),
            entity_id=report.entity_id,
            office_id=self.people.office_id if self.people else None,
            assignee=self._assignee(),
            reported_by=self.by,
            told_by_citizen=report.told is not None and bool(report.told.phone),
            fixed_on_spot=report.fixed_on_spot,
            routing_reason=self._reason(),
            boundary_match=self.place.match,
            flags=self._flags(),
            captured_at=report.captured_at,
            discovered_at=self.found.at,
            reported_at=self.at,
            dispatched_at=self.at if self.owner else None,
            source=report.source,
            restricted=secret,
            restricted_section=self._section() if secret else "",
            feedback_due_at=feedback_due,
            feedback_strict_due_at=feedback_due,
            closing_due_at=feedback_due
            if secret
            else arithmetic.due(limits["closing"], feedback_due, WorkingCalendar()),
            same_day_due_at=policy.same_day_due(self.found, self.at, limits["same_day"])
            if runs_same_day
            else None,
        )
        if self.owner and not secret:
            limit = self._respond_limit(lead)
            lead.respond_due_at = arithmetic.due(limit, self.at, self._calendar or WorkingCalendar())
        elif not self.owner:
            lead.desk_due_at = arithmetic.due(limits["desk"], self.at, WorkingCalendar())
        lead.facts = signing.facts_of(
            lead,
            category_name=self.category.name,
            entity_name=(self.facts.entity or {}).get("name"),
            evidence=[one.sha256 for one in files],
        )
        return lead

    def _description(self) -> str:
        """What was said, without the name and the telephone of who told it: everybody reads it."""
        told = self.report.told
        said = self.report.description
        return identity.Identity(told.name, told.phone).hidden_in(said) if told else said

    def _feedback_due(self) -> datetime:
        """Ours, or the other platform's where that is earlier; never before now."""
        limits = self.facts.limits
        if self.report.restricted:
            ours = tip_offs.due(limits, self.at)
        else:
            ours = arithmetic.due(limits["feedback"], self.at, WorkingCalendar())
        theirs = self.report.their_due_at
        return ours if theirs is None else max(self.at, min(ours, theirs))

    def _section(self) -> str:
        """The one section that learns of a tip-off: the category's, else the consumers'."""
        return self.category.section or Section.CONSUMER.value

    def _flags(self) -> list[str]:
        """What of the phone's word about time is to be taken with care. Flags warn and never block."""
        found = {
            "clock_doubted": self.found.clock_doubted,
            "clock_skewed": self.report.clock_skewed,
            "synced_late": self.found.synced_late,
        }
        return [name for name, is_so in found.items() if is_so]

    def _grid(self) -> Grid | None:
        """The grid as its answer shows it, from facts already read."""
        people = self.people
        if people is None:
            return None
        return Grid(
            id=people.grid_id, code=people.grid_code, name=people.grid_name, office_id=people.office_id
        )

    def _assignee(self) -> User | None:
        owner = self.owner
        return User(id=owner.user_id, username=owner.username, name=owner.name) if owner else None

    def _respond_limit(self, lead: Lead) -> Limit:
        return policy.respond_limit(self.facts.limits["respond"], severity=lead.severity, food=lead.food)

    def _reason(self) -> str:
        if self.owner:
            return f"{self.place.reason}，{self.owner.reason}。"
        if self.people is None:
            return f"{self.place.reason}，待人工派单。"
        return f"{self.place.reason}，该网格暂无在岗专员，待所内勤派单。"

    def _deadlines(self, lead: Lead) -> list[Deadline]:
        limits = self.facts.limits
        if lead.restricted:
            return self._clocks_of_tip_off(lead)
        plan: list[tuple[str, datetime | None, Limit]] = [
            ("respond", lead.respond_due_at, limits["respond"]),
            ("desk", lead.desk_due_at, limits["desk"]),
            ("feedback", lead.feedback_due_at, limits["feedback"]),
            ("same_day", lead.same_day_due_at, limits["same_day"]),
        ]
        rows: list[Deadline] = []
        for kind, due_at, limit in plan:
            if due_at is not None:
                rows += clocks.with_warning(
                    limit,
                    subject_kind="lead",
                    subject_id=lead.pk,
                    kind=kind,
                    cycle=1,
                    armed_at=self.at,
                    due_at=due_at,
                )
        if lead.severity == Severity.URGENT and self.owner:
            rows += urgent_clocks(lead, limits, self.at)
        if self.owner and self.owner.hands_on_at:
            rows.append(morning_clock(lead, self.at, self.owner.hands_on_at))
        return rows

    def _clocks_of_tip_off(self, lead: Lead) -> list[Deadline]:
        """The statutory limit, and the desk's where nobody was found."""
        limits = self.facts.limits
        rows = tip_offs.clock_rows(lead.pk, limits, at=self.at, due_at=lead.feedback_due_at, cycle=1)
        if lead.desk_due_at is not None:
            rows += clocks.with_warning(
                limits["desk"],
                subject_kind="lead",
                subject_id=lead.pk,
                kind="desk",
                cycle=1,
                armed_at=self.at,
                due_at=lead.desk_due_at,
            )
        return rows

    def _signatures(self, lead: Lead) -> list[Signature]:
        """A grid worker's report signs DISCOVERY and HANDOVER for the community."""
        if self.worker is None:
            return []
        behalf = None if self.worker.holder_id == self.by.pk else self.worker.holder_id
        slots = [Slot(Stage.DISCOVERY, Side.COMMUNITY, 1), Slot(Stage.HANDOVER, Side.COMMUNITY, 1)]
        return signing.build(
            lead,
            slots,
            by=self.by,
            on_behalf_of_id=behalf,
            at=self.at,
            discovered_it=self.report.told is None,
        )

    def _journal(
        self, lead: Lead, files: Sequence[LeadEvidence], signatures: Sequence[Signature]
    ) -> list[Entry]:
        reported = {
            "category": lead.category_id,
            "severity": lead.severity,
            "grid": self.people.grid_code if self.people else None,
            "state": lead.state,
            "facts_sha256": snapshots.sha256(lead.facts),
            "evidence": len(files),
            "signed": {f"{s.stage}:{s.side}": s.digest for s in signatures},
            "flags": lead.flags,
        }
        common = {"stream": lead.stream, "at": self.at}
        entries = [
            Entry(kind="lead.reported", actor_id=self.by.pk, actor_name=self.by.name, data=reported, **common)
        ]
        if self.owner:
            moved = {
                "to": self.owner.user_id,
                "name": self.owner.name,
                "reason": lead.routing_reason,
                "owner_cycle": 1,
            }
            entries.append(
                Entry(kind="lead.dispatched", actor_id=None, actor_name="系统", data=moved, **common)
            )
        else:
            entries.append(
                Entry(
                    kind="lead.on_desk",
                    actor_id=None,
                    actor_name="系统",
                    data={"reason": lead.routing_reason},
                    **common,
                )
            )
        return entries

    def _steps(self, lead: Lead) -> list[Step]:
        """What other systems are told: reported, and where it went."""
        placed = "lead.dispatched" if self.owner else "lead.on_desk"
        number = self.report.external_number
        return [
            handing_back.step(lead, event, self.at, external_number=number)
            for event in ("lead.reported", placed)
        ]
