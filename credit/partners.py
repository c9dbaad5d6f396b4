"""红色合伙人: nominated by the community, approved by the office, suspended by itself (DOMAIN.md §4).

Who may be nominated is decided by `credit.movement.partner_obstacles`; a refusal names all that is missing.
The title follows the effective grade by itself, in the transaction of the grading (`follow_grades`):
suspended below B, active again with B or better. So who held it at any moment is told by rows that never
change – its approval and revocation, and the gradings of that time (`held_at`).

Locks: the approval's clock, the business (FOR NO KEY UPDATE), the row, the approval.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import OuterRef, Q, Subquery

from credit import questions, schemes_in_force
from credit.grade_changes import GradeMove, on_grade_change
from credit.models import CreditAssessment, CreditFact, CreditReview, CreditStanding, RedPartner
from credit.movement import Reviewed, partner_obstacles, suspends
from credit.questions import Expect
from grids import door
from grids.access import Scope, Seat, scope_of
from grids.models import GONE, BusinessEntity, Community, Posting
from grids.roles import Role
from grids.staffing import BUREAU_BESIDE, bureau_ids, headless_offices, office_people
from kernel import approvals, clock, journal
from kernel.accounts.models import User
from kernel.approvals.deciding import Decision
from kernel.approvals.kinds import Kind
from kernel.approvals.models import Approval
from kernel.clock import local_date
from kernel.deadlines.arrays import literal
from kernel.deadlines.contention import retried
from kernel.errors import Conflict, NotAllowed, NotVisible, Refused
from kernel.notices import outbox, templates
from kernel.notices.outbox import Draft
from kernel.notices.policy import Urgency

KIND = "red_partner"
LIVING = ("NOMINATED", "ACTIVE", "SUSPENDED")
REVOKES = (Role.BUREAU, Role.BUREAU_LEADER)
UNKNOWN = "没有找到这位红色合伙人，或者您无权查看。"
State = RedPartner.State


@dataclass(frozen=True, slots=True)
class Given:
    """One nomination."""

    entity_id: int
    client_uid: uuid.UUID
    reason: str


# --- nominating ------------------------------------------------------------------------------------


def nominate(*, given: Given, by: User) -> tuple[RedPartner, bool]:
    """Nominate a business; the row, and whether it is new. The same `client_uid` gives it back.

    Raises:
        NotVisible: the business is not there for him. NotAllowed: `not_community`.
        Conflict: `not_eligible` (says what is missing), `already_partner`, `client_uid_conflict`.
        Refused: `reason_required`.
    """
    if not given.reason.strip():
        raise Refused("请填写提名理由。", code="reason_required", attr="reason")
    return retried(lambda: _nominate(given, by))


def _nominate(given: Given, by: User) -> tuple[RedPartner, bool]:
    with transaction.atomic():
        entity = BusinessEntity.objects.visible_to(by).filter(pk=given.entity_id).first()
        if entity is None:
            raise NotVisible(questions.UNKNOWN_SHOP)
        seat = _community_seat(scope_of(by), entity)
        if seat is None or seat.community_id is None:
            raise NotAllowed("由该主体所在网格的社区书记提名。", code="not_community")
        questions.lock_shop(entity.pk)
        earlier = RedPartner.objects.filter(nominated_by=by, client_uid=given.client_uid).first()
        if earlier is not None:
            if (earlier.entity_id, earlier.reason) != (entity.pk, given.reason.strip()):
                raise Conflict(questions.SAME_UID, code="client_uid_conflict", attr="client_uid")
            return earlier, False
        if RedPartner.objects.filter(entity=entity, state__in=LIVING).exists():
            raise Conflict("该主体已被提名或已是红色合伙人。", code="already_partner")
        at = clock.now()
        _refuse_unfit(entity.pk, local_date(at))
        row = RedPartner.objects.create(
            entity=entity,
            community_id=seat.community_id,
            client_uid=given.client_uid,
            reason=given.reason.strip(),
            nominated_by=by,
            nominated_at=at,
        )
        behalf = None if seat.holder_id == by.pk else seat.holder_id
        approvals.ask(
            kind=KIND,
            subject_kind=KIND,
            subject_id=row.pk,
            by=by,
            on_behalf_of_id=behalf,
            reason=row.reason,
            at=at,
            payload={"entity": entity.pk, "office": entity.grid and entity.grid.office_id},
            about=entity.name[:120],
        )
        questions.note(row, "red_partner.nominated", by, at, reason=row.reason, **{"for": behalf})
        return row, True


def take_back(*, partner_id: int, by: User, expect: Expect, reason: str = "") -> RedPartner:
    """Take a nomination back before it is decided: who made it. Again, it gives it back.

    Raises:
        NotVisible; NotAllowed `not_nominator`; Conflict `already_decided`; StaleVersion / VersionRequired.
    """
    return retried(lambda: _take_back(partner_id, by, expect, reason.strip()))


def _take_back(partner_id: int, by: User, expect: Expect, reason: str) -> RedPartner:
    with transaction.atomic():
        seen = RedPartner.objects.visible_to(by).filter(pk=partner_id).first()
        if seen is None:
            raise NotVisible(UNKNOWN)
        if seen.nominated_by_id != by.pk:
            raise NotAllowed("只有提名人可以撤回提名。", code="not_nominator")
        live = approvals.lock_live(KIND, seen.pk)
        questions.lock_shop(seen.entity_id)
        row = RedPartner.objects.select_for_update(of=("self",)).get(pk=seen.pk)
        approvals.refuse_unseen(live, KIND, [row.pk])
        if row.state == State.WITHDRAWN:
            return row
        if row.state != State.NOMINATED:
            raise Conflict("这项提名已有结论，不能撤回。", code="already_decided")
        expect(row.version)
        at = clock.now()
        waiting = list(Approval.objects.of(KIND, row.pk).waiting())
        approvals.withdraw(waiting, by=by, at=at, why=reason or "提名人撤回")
        row.state, row.decided_at, row.note = State.WITHDRAWN, at, reason
        row.version += 1
        row.save(update_fields=["state", "decided_at", "note", "version"])
        questions.note(row, "red_partner.withdrawn", by, at, reason=reason)
        return row


def _community_seat(scope: Scope, entity: BusinessEntity) -> Seat | None:
    """The head of the business's own community, else of any community of its grid."""
    if scope.is_auditor or entity.grid_id is None:
        return None
    own = scope.seat(Role.COMMUNITY_HEAD, community_id=entity.community_id) if entity.community_id else None
    if own is not None:
        return own
    held = Community.objects.filter(grids=entity.grid_id, pk__in=scope.community_ids).order_by("pk")
    number = held.values_list("pk", flat=True).first()
    return None if number is None else scope.seat(Role.COMMUNITY_HEAD, community_id=number)


def obstacles(entity_id: int, on: date) -> tuple[str, ...]:
    """Why a business may not bear the title, in sentences; none: it may. Four statements."""
    _, scheme = schemes_in_force.newest()
    standing = CreditStanding.objects.filter(entity=entity_id)
    row = standing.values_list("effective_grade", "entity__status").first()
    if row is None:
        return ("尚未评定信用等级。",)
    stands, status = row
    if status in GONE:
        return ("该主体已不在营。",)
    reviews = CreditReview.objects.filter(entity=entity_id).order_by("-period", "-pk")
    rows = reviews.values_list("period", "grade", "total")[: scheme.movement.partner_reviews]
    facts = CreditFact.objects.filter(entity=entity_id, kind__in=["PENALTY", "WITHDRAWN"]).order_by("pk")
    return partner_obstacles(
        stands, [Reviewed(*one) for one in rows], [fact.as_fact() for fact in facts], scheme, on=on
    )


def _refuse_unfit(entity_id: int, on: date) -> None:
    missing = obstacles(entity_id, on)
    if missing:
        raise Conflict("".join(("暂不符合红色合伙人条件：", *missing)), code="not_eligible")


# --- deciding --------------------------------------------------------------------------------------


def _lock(approval: Approval) -> RedPartner:
    questions.lock_shop(approval.payload["entity"])
    return RedPartner.objects.select_for_update(of=("self",)).get(pk=approval.subject_id)


def _may_decide(user: User, approval: Approval, subject: Any) -> Seat | None:
    """The head of the office; the bureau where there is none but who asked, or he was silent."""
    barred, scope = questions.barred_of(approval), scope_of(user)
    if user.pk in barred or scope.is_auditor:
        return None
    office = approval.payload.get("office")
    seat = scope.seat(Role.OFFICE_HEAD, office_id=office) if office else None
    if seat is not None and seat.holder_id not in barred:
        return seat
    bureau = scope.seat(Role.BUREAU)
    if bureau is None:
        return None
    alone = office is None or not set(office_people([office], scope.at)[office].head_ids) - barred
    return bureau if alone or approval.payload.get("level") == BUREAU_BESIDE else None


def _decidable(user: User) -> Q:
    scope = scope_of(user)
    offices = [seat.office_id for seat in scope.seats if seat.role == Role.OFFICE_HEAD]
    found = Q(payload__office__in=offices) if offices else Q(pk__in=[])
    if scope.has(Role.BUREAU):
        headless = _headless(scope)
        found |= Q(payload__level=BUREAU_BESIDE) | Q(payload__office=None) | Q(payload__office__in=headless)
    return found


def _headless(scope: Scope) -> list[int]:
    """Offices without a head. Two statements, read once a scope."""
    kept: list[int] | None = scope.__dict__.get("_credit_headless")
    if kept is None:
        kept = scope.__dict__["_credit_headless"] = headless_offices(scope.at)
    return kept


def _deciders(rows: Sequence[Approval], at: datetime) -> Mapping[int, Collection[int]]:
    offices = office_people({row.payload["office"] for row in rows if row.payload.get("office")}, at)
    bureau = bureau_ids(at)
    found: dict[int, Collection[int]] = {}
    for row in rows:
        office = row.payload.get("office")
        heads = set(offices[office].head_ids) - questions.barred_of(row) if office else set()
        beside = not heads or row.payload.get("level") == BUREAU_BESIDE
        found[row.pk] = [*sorted(heads), *(bureau if beside else [])]
    return found


def _decided(done: Decision) -> None:
    """Approved: active from now, if it is still eligible. Refused: with a reason.

    Raises: Conflict `not_eligible` – its standing has changed since; Refused `reason_required`.
    """
    row: RedPartner = done.subject
    if done.approved:
        _refuse_unfit(row.entity_id, local_date(done.at))
    elif not done.approval.note.strip():
        raise Refused("请写明不批准的理由。", code="reason_required", attr="note")
    row.state = State.ACTIVE if done.approved else State.REFUSED
    row.decided_by, row.decided_at, row.note = done.by, done.at, done.approval.note
    row.version += 1
    row.save(update_fields=["state", "decided_by", "decided_at", "note", "version"])
    what = "approved" if done.approved else "refused"
    questions.note(
        row, f"red_partner.{what}", done.by, done.at, note=row.note, **{"for": done.on_behalf_of_id}
    )


def revoke(*, partner_id: int, by: User, expect: Expect, reason: str) -> RedPartner:
    """Take the title away: the office's head, or the bureau. Again by the same person, it gives it back.

    Raises:
        NotVisible; NotAllowed `may_not_revoke`; Conflict `not_partner`; Refused `reason_required`;
        StaleVersion / VersionRequired.
    """
    if not reason.strip():
        raise Refused("请填写取消理由。", code="reason_required", attr="reason")
    return retried(lambda: _revoke(partner_id, by, expect, reason.strip()))


def _revoke(partner_id: int, by: User, expect: Expect, reason: str) -> RedPartner:
    with transaction.atomic():
        rows = RedPartner.objects.visible_to(by).select_related("entity__grid")
        seen = rows.filter(pk=partner_id).first()
        if seen is None:
            raise NotVisible(UNKNOWN)
        scope = scope_of(by)
        office = seen.entity.grid.office_id if seen.entity.grid else None
        head = scope.seat(Role.OFFICE_HEAD, office_id=office) if office else None
        if scope.is_auditor or (head is None and not scope.has(*REVOKES)):
            raise NotAllowed("由辖区所长或者市场监管局取消。", code="may_not_revoke")
        questions.lock_shop(seen.entity_id)
        row = RedPartner.objects.select_for_update(of=("self",)).get(pk=seen.pk)
        if row.state == State.REVOKED and row.revoked_by_id == by.pk:
            return row
        if row.state not in (State.ACTIVE, State.SUSPENDED):
            raise Conflict("该主体目前不是红色合伙人。", code="not_partner")
        expect(row.version)
        at = clock.now()
        row.state, row.revoked_by, row.revoked_at, row.note = State.REVOKED, by, at, reason
        row.version += 1
        row.save(update_fields=["state", "revoked_by", "revoked_at", "note", "version"])
        questions.note(row, "red_partner.revoked", by, at, reason=reason)
        _tell_revoked(row, seen.entity.name, at)
        return row


# --- following the grade ---------------------------------------------------------------------------

_FOLLOW = """
WITH moved AS (
    UPDATE credit_redpartner p
       SET state = CASE WHEN p.entity_id = ANY(%(below)s::bigint[]) THEN 'SUSPENDED' ELSE 'ACTIVE' END,
           suspended_at = CASE WHEN p.entity_id = ANY(%(below)s::bigint[]) THEN %(at)s::timestamptz END,
           version = version + 1
     WHERE (p.state = 'ACTIVE' AND p.entity_id = ANY(%(below)s::bigint[]))
        OR (p.state = 'SUSPENDED' AND p.entity_id = ANY(%(above)s::bigint[]))
 RETURNING p.id, p.entity_id, p.community_id, p.state, p.version),
noted AS (
    INSERT INTO journal_entry (stream, kind, actor_name, at, data)
    SELECT 'entity:' || m.entity_id,
           CASE m.state WHEN 'SUSPENDED' THEN 'red_partner.suspended' ELSE 'red_partner.resumed' END,
           %(system)s, %(at)s, jsonb_build_object('number', m.id)
      FROM moved m ORDER BY m.entity_id)
SELECT m.id, m.state, m.version, e.name, m.entity_id, who.person
  FROM moved m JOIN grids_businessentity e ON e.id = m.entity_id
  LEFT JOIN grids_grid g ON g.id = e.grid_id
  LEFT JOIN LATERAL (
       SELECT DISTINCT u.id AS person FROM grids_posting p JOIN accounts_user u ON u.id = p.user_id
        WHERE u.is_active AND p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)
          AND ((p.role = 'COMMUNITY_HEAD' AND p.community_id = m.community_id)
            OR (p.role = 'OFFICE_HEAD' AND p.office_id = g.office_id))) who ON true
 ORDER BY m.id, who.person
"""
FOLLOWED = {"SUSPENDED": "credit.partner_suspended", "ACTIVE": "credit.partner_resumed"}


def follow_grades(moves: Sequence[GradeMove], at: datetime) -> None:
    """Handler of grade changes: suspend below B, lift with B or better; tell community and office.

    Two statements, whatever the number of moves; the businesses' rows are locked by grading.
    """
    below = [one.entity_id for one in moves if suspends(one.after)]
    above = [one.entity_id for one in moves if not suspends(one.after)]
    with connection.cursor() as cursor:
        cursor.execute(
            _FOLLOW, {"below": literal(below), "above": literal(above), "at": at, "system": journal.SYSTEM}
        )
        rows = cursor.fetchall()
    outbox.post(
        [
            Draft(
                dedupe_key=f"red_partner:{number}:{version}:user:{person}",
                template=FOLLOWED[state],
                params={"name": name},
                subject_kind="entity",
                subject_id=entity_id,
                recipient_id=person,
            )
            for number, state, version, name, entity_id, person in rows
            if person is not None
        ],
        at=at,
    )


def _tell_revoked(row: RedPartner, name: str, at: datetime) -> None:
    """The head of the nominating community learns that the title is gone."""
    people = _heads_of(row.community_id, at) - {row.revoked_by_id}
    outbox.post(
        [
            Draft(
                dedupe_key=f"red_partner:{row.pk}:{row.version}:user:{person}",
                template="credit.partner_revoked",
                params={"name": name, "reason": row.note},
                subject_kind="entity",
                subject_id=row.entity_id,
                recipient_id=person,
            )
            for person in sorted(people)
        ],
        at=at,
    )


def _heads_of(community_id: int, at: datetime) -> set[int]:
    held = Posting.objects.active(at).filter(
        role=Role.COMMUNITY_HEAD, community_id=community_id, user__is_active=True
    )
    return set(held.values_list("user_id", flat=True))


# --- reading ---------------------------------------------------------------------------------------


def holding(entity_ids: Collection[int]) -> set[int]:
    """Which of these businesses bear the title now: what the public page tells. One statement.

    Who is gone is not graded anew, so its row stays as it was; it is told of no more.
    """
    rows = RedPartner.objects.holding().filter(entity__in=entity_ids).exclude(entity__status__in=GONE)
    return set(rows.values_list("entity_id", flat=True))


def titles(entity_ids: Collection[int]) -> dict[int, str]:
    """What the public page at the door tells of them."""
    return dict.fromkeys(holding(entity_ids), "红色合伙人")


def held_at(moment: datetime) -> Any:
    """The titles that were borne at a moment, as a queryset: approved, not revoked, and of a business whose
    effective grade was then A or B (DOMAIN.md §5, `red_partners` of the bulletin)."""
    graded = CreditAssessment.objects.filter(entity=OuterRef("entity"), at__lte=moment)
    grade = Subquery(graded.order_by("-id").values("effective_grade")[:1])
    approved = RedPartner.objects.filter(decided_at__lte=moment).exclude(
        state__in=[State.NOMINATED, State.REFUSED, State.WITHDRAWN]
    )
    standing = approved.filter(Q(revoked_at=None) | Q(revoked_at__gt=moment)).annotate(grade_then=grade)
    return standing.filter(Q(grade_then__in=["A", "B"]) | Q(grade_then=None))


def count_at(moment: datetime) -> int:
    """How many businesses bore the title at a moment. One statement."""
    return int(held_at(moment).count())


def seen(user: User) -> Any:
    return RedPartner.objects.visible_to(user).values("id")


def register() -> None:
    """Register the kind, the words and the handler of grade changes (called once, at start-up)."""
    approvals.register_subject(KIND, seen)
    approvals.register(
        KIND,
        Kind(
            label="红色合伙人提名",
            limit_kind=KIND,
            lock=_lock,
            may_decide=_may_decide,
            decidable=_decidable,
            deciders=_deciders,
            decided=_decided,
            lapsed=questions.ask_with_bureau,
        ),
    )
    on_grade_change(follow_grades)
    door.register_title(titles)
    for name, title, text in WORDS:
        templates.register(f"credit.{name}", title, text, urgency=Urgency.NEWS)


WORDS = [
    ("partner_suspended", "红色合伙人暂停：{name}", "{name}信用等级已低于B级，红色合伙人称号自动暂停。"),
    ("partner_resumed", "红色合伙人恢复：{name}", "{name}信用等级已恢复至B级以上，红色合伙人称号自动恢复。"),
    ("partner_revoked", "红色合伙人取消：{name}", "{name}的红色合伙人称号已取消。理由：{reason}。"),
]
