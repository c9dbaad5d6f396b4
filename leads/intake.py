"""上报: a report becomes a lead, is dispatched and starts its clocks in one transaction (DESIGN.md §3).

At most 12 SQL statements (DESIGN.md §12): the facts are read with few, everything is written with one.
"""

from __future__ import annotations

import json

from django.db import IntegrityError, connection, transaction

from grids.access import Scope, scope_of
from grids.roles import Role
from kernel.accounts.models import User
from kernel.deadlines.policy import Counting, Limit, Unit
from kernel.errors import Conflict, NotAllowed, Refused
from kernel.prepared import Statement
from leads.intake_rows import Rows
from leads.intake_values import Facts, Made, Report, Told
from leads.models import Category, Lead

__all__ = ["Made", "Report", "Told", "report"]

REPORTS_NOT = frozenset({Role.AUDITOR, Role.SYSTEM_ADMIN, Role.IDENTITY_KEEPER})


_FACTS = """
SELECT kernel_now(), nextval('leads_lead_id_seq'),
       COALESCE((SELECT version FROM grids_boundaryversion WHERE id = 1), 0),
       l.id, l.content_digest,
       (SELECT to_jsonb(c) FROM leads_category c WHERE c.code = %(category)s AND c.is_active),
       (SELECT jsonb_build_object('id', e.id, 'name', e.name, 'grid_id', g.id, 'grid_code', g.code)
          FROM grids_businessentity e LEFT JOIN grids_grid g ON g.id = e.grid_id AND g.is_active
         WHERE e.id = %(entity)s),
       (SELECT jsonb_agg(jsonb_build_array(p.kind, p.version, p.amount, p.unit, p.counting, p.warn_percent))
          FROM (SELECT DISTINCT ON (kind) * FROM deadlines_limitpolicy WHERE in_force_from <= kernel_now()
                 ORDER BY kind, in_force_from DESC, version DESC) p)
  FROM (SELECT 1) one LEFT JOIN leads_lead l ON l.reported_by_id = %(by)s AND l.client_uid = %(uid)s
"""


def may_report(user: User) -> bool:
    """Does one of his postings let him report, and so hand in files? Nobody does who only keeps or audits."""
    return bool(scope_of(user).roles - REPORTS_NOT)


FACTS = Statement("leads_intake_facts", _FACTS, category="text", entity="bigint", by="bigint", uid="uuid")


def report(*, report: Report, by: User) -> Made:
    """Take a report. The same `client_uid` with the same content gives the same lead back.

    Raises:
        NotAllowed: the person's postings do not let him report.
        Refused: unknown category or entity, or nothing said at all (422).
        Conflict: `client_uid_conflict` – this uid came with other content; or the evidence is taken.
    """
    scope = scope_of(by)
    if not report.source and not may_report(by):
        raise NotAllowed("您目前没有可以上报线索的岗位。", code="no_posting")
    if not report.description and not report.evidence and not report.awaited:
        raise Refused("请填写问题描述，或至少提交一张照片。", code="nothing_said", attr="description")
    try:
        return _report(report, by, scope)
    except IntegrityError as error:
        if "leads_lead_one_client_uid" not in str(error):
            raise
    except Conflict as refused:
        if refused.code != "evidence_unavailable":
            raise
    # The same report sent twice at once: the other one has the uid, or the files. Look again.
    return _report(report, by, scope)


def _report(report: Report, by: User, scope: Scope) -> Made:
    with transaction.atomic():
        facts = _read_facts(report, by)
        if facts.existing_id is not None:
            return _again(report, facts)
        if facts.category is None:
            raise Refused("没有这个线索分类，请重新选择。", code="unknown_category", attr="category")
        if report.entity_id is not None and facts.entity is None:
            raise Refused("没有找到该经营主体，请重新选择或留空。", code="unknown_entity", attr="entity")
        draft = Rows(report, by, scope, facts, facts.category)
        return draft.write()


def _again(report: Report, facts: Facts) -> Made:
    if facts.existing_digest != report.digest():
        raise Conflict(
            "该编号已用于另一条上报，内容不同，请重新上报。", code="client_uid_conflict", attr="client_uid"
        )
    return Made(Lead.objects.get(content_digest=report.digest(), pk=facts.existing_id or 0), created=False)


def _read_facts(report: Report, by: User) -> Facts:
    params = {"category": report.category, "entity": report.entity_id, "by": by.pk, "uid": report.client_uid}
    with connection.cursor() as cursor:
        FACTS.execute(cursor, params)
        row = cursor.fetchone()
    category, entity, limits = (json.loads(v) if isinstance(v, str) else v for v in row[5:8])
    return Facts(
        at=row[0],
        lead_id=row[1],
        boundary_version=row[2],
        existing_id=row[3],
        existing_digest=row[4],
        category=Category(**category) if category else None,
        entity=entity,
        limits={p[0]: Limit(p[0], p[1], p[2], Unit(p[3]), Counting(p[4]), p[5]) for p in limits},
    )
