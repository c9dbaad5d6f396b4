"""A grid's work group (工作群): who belongs to it, and the robot that posts into its chat group.

Members are not written down anywhere: they are who is posted in the grid, the heads and clerks of its
office, and the heads of its communities.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from grids.access import scope_of
from grids.models import WorkGroup
from grids.roles import Role
from kernel import journal
from kernel.accounts.models import User
from kernel.errors import NotAllowed, Refused
from kernel.notices.models import Robot

KEEPERS = frozenset({Role.BUREAU, Role.SYSTEM_ADMIN})
Expect = Callable[[int], None]

_MEMBERS = f"""
SELECT g.id, u.id, u.username, u.name, p.role, p.seat
  FROM grids_grid g
  JOIN grids_posting p
    ON p.grid_id = g.id
    OR (p.office_id = g.office_id AND p.role IN ('{Role.OFFICE_HEAD}', '{Role.OFFICE_CLERK}'))
    OR (p.role = '{Role.COMMUNITY_HEAD}' AND p.community_id IN (
        SELECT c.community_id FROM grids_grid_communities c WHERE c.grid_id = g.id))
  JOIN accounts_user u ON u.id = p.user_id AND u.is_active
 WHERE g.id = ANY(%(grids)s) AND p.starts_at <= %(at)s AND (p.ends_at IS NULL OR p.ends_at > %(at)s)
 ORDER BY g.id, array_position(ARRAY['{Role.COMMISSIONER}', '{Role.GRID_WORKER}', '{Role.OFFICE_HEAD}',
          '{Role.OFFICE_CLERK}', '{Role.COMMUNITY_HEAD}']::varchar[], p.role), p.seat, p.id
"""  # noqa: S608 - only constants are put together here


@dataclass(frozen=True, slots=True)
class Member:
    """One seat of a work group; a person who holds two is there twice."""

    grid_id: int
    user_id: int
    username: str
    name: str
    role: str
    seat: int | None

    @property
    def role_name(self) -> str:
        return str(Role(self.role).label)


def members_of(grid_ids: Collection[int], at: datetime) -> list[Member]:
    """Who belongs to the groups of these grids: commissioner first, then workers, heads. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERS, {"grids": list(grid_ids), "at": at})
        return [Member(*row) for row in cursor.fetchall()]


def may_keep(user: User) -> bool:
    """Bureau and system administrator name groups and set their robots."""
    scope = scope_of(user)
    return scope.has(*KEEPERS) and not scope.is_auditor


def change(
    *, group_id: int, name: str | None, robot_id: int | None, by: User, expect: Expect, at: datetime
) -> WorkGroup:
    """Name the group (None: as it is) and set its robot (None: none). The row is locked; no change, no
    new version.

    Raises:
        NotAllowed: `not_your_group`.
        Refused: `unknown_robot`, `name_required`.
    """
    if not may_keep(by):
        raise NotAllowed("工作群由市场监管局或系统管理员维护。", code="not_your_group")
    with transaction.atomic():
        group = WorkGroup.objects.select_for_update().get(pk=group_id)
        expect(group.version)
        wanted = (group.name if name is None else name.strip(), robot_id)
        if not wanted[0]:
            raise Refused("请填写群名称。", code="name_required", attr="name")
        if robot_id is not None and not Robot.objects.filter(pk=robot_id).exists():
            raise Refused("没有这个群机器人。", code="unknown_robot", attr="robot")
        if wanted != (group.name, group.robot_id):
            before = {"name": group.name, "robot_id": group.robot_id}
            group.name, group.robot_id = wanted
            group.version += 1
            group.save(update_fields=["name", "robot", "version"])
            after = {"name": group.name, "robot_id": group.robot_id}
            journal.append(
                stream=f"work_group:{group.pk}",
                kind="changed",
                by=by,
                at=at,
                data={"before": before, "after": after},
            )
        return group
