"""The demo world: 4 offices, 17 communities, 21 grids and their people (API.md, Demo data).

Deterministic, set-based, and all of it invented (演示数据). The suite's `make_world()` and
`seed_demo` use the same builder. It expects empty tables and runs in the caller's transaction.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.contrib.auth.hashers import make_password
from shapely import Point
from stdnum.cn import uscc

from grids import demo_map
from grids.demo_names import entity_name, operator_name, role_name
from grids.models import (
    BusinessEntity,
    BusinessType,
    Community,
    Department,
    DutyShift,
    EntityKind,
    Grid,
    Office,
    Posting,
    Subdistrict,
    WorkGroup,
)
from grids.roles import DUTY_LEADER, DUTY_OFFICER, Role, Section
from grids.staffing import duty_day
from kernel import journal
from kernel.accounts.models import User
from kernel.clock import local_date

DEMO_PASSWORD = "Suoshe-demo-2026"  # noqa: S105 - the published password of a demo
DEPARTMENTS = (
    ("police", "公安"),
    ("citymgmt", "综合行政执法(城管)"),
    ("fire", "消防"),
    ("housing", "住建"),
    ("education", "教育和体育"),
    ("health", "卫健"),
    ("environment", "生态环境"),
    ("commerce", "商务"),
)
STATION_CODES = tuple(f"ST-{number:02d}" for number in range(1, 26))
WORKERS = 3
ROTA_DAYS_BACK, ROTA_DAYS_AHEAD = 7, 21
SERVED = timedelta(days=3 * 365)
IN_THE_ADMIN_NOT = ("worker",)


@dataclass
class World:
    """What was built. Lists are in the order of their codes: `grids[0]` is number 1."""

    at: datetime
    subdistricts: list[Subdistrict] = field(default_factory=list)
    communities: list[Community] = field(default_factory=list)
    offices: list[Office] = field(default_factory=list)
    departments: dict[str, Department] = field(default_factory=dict)
    grids: list[Grid] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    entities: list[BusinessEntity] = field(default_factory=list)

    def user(self, username: str) -> User:
        """A copy of the account without any cached scope: each act looks at its rights anew."""
        fresh = copy.copy(self.users[username])
        fresh._state = copy.copy(fresh._state)
        fresh.__dict__.pop("_grids_scope", None)
        return fresh

    def grid(self, number: int) -> Grid:
        return self.grids[number - 1]

    def office_of(self, number: int) -> Office:
        """The office of the grid with this number."""
        return next(office for office in self.offices if office.id == self.grid(number).office_id)

    def commissioner(self, number: int) -> User:
        return self.user(f"commissioner-{number:02d}")

    def worker(self, number: int, person: int = 1) -> User:
        return self.user(f"worker-{number:02d}-{person}")

    def head_of(self, number: int) -> User:
        """The office head (所长) who answers for the grid with this number."""
        return self.user(f"office-{self.offices.index(self.office_of(number)) + 1:02d}")

    def clerk_of(self, number: int) -> User:
        return self.user(f"clerk-{self.offices.index(self.office_of(number)) + 1:02d}")

    def duty_of(self, number: int) -> User:
        return self.user(f"duty-{self.offices.index(self.office_of(number)) + 1:02d}")

    def community_head_of(self, number: int) -> User:
        """The head (社区书记) of the lead community of the grid with this number."""
        ids = [community.id for community in self.communities]
        return self.user(f"community-{ids.index(self.grid(number).lead_community_id) + 1:02d}")

    def posting_of(self, username: str) -> Posting:
        """The (first) posting of an account, fresh from the database."""
        return Posting.objects.filter(user=self.users[username].id).order_by("id")[0]

    def point_in(self, number: int) -> tuple[float, float]:
        """A WGS-84 point well inside the grid with this number."""
        inside = demo_map.build()[number - 1].polygon.representative_point()
        return round(inside.x, 6), round(inside.y, 6)


@lru_cache(maxsize=4)
def _hashed(password: str, hasher: str) -> str:
    return make_password(password)


def build(*, at: datetime, password: str = DEMO_PASSWORD, stations: bool = True) -> World:
    """Build the world: places, people, postings with backups, rota of four weeks, work groups.

    `at` is the moment of the building: postings began three years before, the rota runs from a week
    before to three weeks after.
    """
    world = World(at=at)
    _places(world)
    _people(world, password, stations)
    _postings(world, stations)
    _rota(world)
    return world


def _places(world: World) -> None:
    world.subdistricts = Subdistrict.objects.bulk_create(
        [Subdistrict(code=code, name=name) for code, name in demo_map.STREETS]
    )
    world.offices = Office.objects.bulk_create(
        [
            Office(
                code=f"{street.code}-S",
                name=street.name.replace("街道", "市场监管所"),
                subdistrict=street,
                is_demo=True,
            )
            for street in world.subdistricts
        ]
    )
    world.communities = Community.objects.bulk_create(
        [
            Community(code=f"{street.code}-C{n:02d}", name=f"{name}社区", subdistrict=street, is_demo=True)
            for street, names in zip(world.subdistricts, demo_map.COMMUNITIES, strict=True)
            for n, name in enumerate(names, start=1)
        ]
    )
    departments = Department.objects.bulk_create(
        [Department(code=code, name=name) for code, name in DEPARTMENTS]
    )
    world.departments = {department.code: department for department in departments}
    _grids(world)


def _grids(world: World) -> None:
    starts = [sum(len(names) for names in demo_map.COMMUNITIES[:i]) for i in range(len(demo_map.STREETS))]
    mapped = demo_map.build()
    held = [[world.communities[starts[one.street] + i] for i in one.communities] for one in mapped]
    world.grids = Grid.objects.bulk_create(
        [
            Grid(
                code=one.code, name=one.name, office=world.offices[one.street], lead_community=communities[0],
                boundary=one.boundary, is_demo=True,
            )
            for one, communities in zip(mapped, held, strict=True)
        ]
    )  # fmt: skip
    through = Grid.communities.through
    through.objects.bulk_create(
        [
            through(grid_id=grid.id, community_id=community.id)
            for grid, communities in zip(world.grids, held, strict=True)
            for community in communities
        ]
    )
    WorkGroup.objects.bulk_create([WorkGroup(grid=grid, name=f"{grid.name}工作群") for grid in world.grids])


def _usernames(stations: bool) -> list[str]:
    names = ["bureau", "bureau-02", "leader"]
    for name in ("auditor", "admin", "keeper", "police", "citymgmt"):
        names += [name, f"{name}-02"]
    names += [f"section-{section.lower()}" for section in Section.values]
    for number in range(1, 5):
        names += [f"{kind}-{number:02d}" for kind in ("office", "deputy", "clerk", "duty", "street")]
    for number in range(1, 18):
        names += [f"community-{number:02d}", f"vice-{number:02d}"]
    for number in range(1, 22):
        names.append(f"commissioner-{number:02d}")
        names += [f"worker-{number:02d}-{person}" for person in range(1, WORKERS + 1)]
    if stations:
        names += [f"station-{number:02d}" for number in range(1, len(STATION_CODES) + 1)]
    return names


def _people(world: World, password: str, stations: bool) -> None:
    from django.conf import settings

    hashed = _hashed(password, settings.PASSWORD_HASHERS[0])
    users = User.objects.bulk_create(
        [
            User(
                username=username, name=role_name(username), phone=f"138{number:08d}", password=hashed,
                is_staff=not username.startswith(IN_THE_ADMIN_NOT),
            )
            for number, username in enumerate(_usernames(stations), start=1)
        ]
    )  # fmt: skip
    world.users = {user.username: user for user in users}


def _postings(world: World, stations: bool) -> None:
    rows = [*_grid_postings(world), *_office_postings(world), *_bureau_postings(world)]
    if stations:
        rows += [
            _row(
                world,
                f"station-{n:02d}",
                Role.STATION_MEDIATOR,
                f"station-{n % 25 + 1:02d}",
                station_code=code,
            )
            for n, code in enumerate(STATION_CODES, start=1)
        ]
    world.postings = Posting.objects.bulk_create(rows)
    journal.append_many(
        [
            journal.Note(f"posting:{row.id}", "appointed", row.starts_at, {"role": row.role, "demo": True})
            for row in world.postings
        ]
    )


def _row(world: World, username: str, role: str, backup: str | None = None, **scope: Any) -> Posting:
    return Posting(
        user=world.users[username],
        role=role,
        backup=world.users[backup] if backup else None,
        starts_at=world.at - SERVED,
        **scope,
    )


def _grid_postings(world: World) -> list[Posting]:
    """One commissioner and three workers a grid; the next of the office, of the grid, backs him up."""
    rows = []
    for office in world.offices:
        numbers = [n for n, grid in enumerate(world.grids, start=1) if grid.office_id == office.id]
        for place, n in enumerate(numbers):
            after = numbers[(place + 1) % len(numbers)]
            grid = world.grids[n - 1]
            rows.append(
                _row(
                    world, f"commissioner-{n:02d}", Role.COMMISSIONER, f"commissioner-{after:02d}", grid=grid
                )
            )
            for seat in range(1, WORKERS + 1):
                backup = f"worker-{n:02d}-{seat % WORKERS + 1}"
                rows.append(
                    _row(world, f"worker-{n:02d}-{seat}", Role.GRID_WORKER, backup, grid=grid, seat=seat)
                )
    return rows


def _office_postings(world: World) -> list[Posting]:
    rows = []
    for n, office in enumerate(world.offices, start=1):
        rows.append(_row(world, f"office-{n:02d}", Role.OFFICE_HEAD, f"deputy-{n:02d}", office=office))
        rows.append(_row(world, f"clerk-{n:02d}", Role.OFFICE_CLERK, f"deputy-{n:02d}", office=office))
    for n, community in enumerate(world.communities, start=1):
        rows.append(
            _row(world, f"community-{n:02d}", Role.COMMUNITY_HEAD, f"vice-{n:02d}", community=community)
        )
    for n, street in enumerate(world.subdistricts, start=1):
        backup = f"street-{n % 4 + 1:02d}"
        rows.append(_row(world, f"street-{n:02d}", Role.SUBDISTRICT, backup, subdistrict=street))
    return rows


def _bureau_postings(world: World) -> list[Posting]:
    rows = [
        _row(world, "bureau", Role.BUREAU, "bureau-02"),
        _row(world, "leader", Role.BUREAU_LEADER, "bureau-02"),
        _row(world, "auditor", Role.AUDITOR, "auditor-02"),
        _row(world, "admin", Role.SYSTEM_ADMIN, "admin-02"),
        _row(world, "keeper", Role.IDENTITY_KEEPER, "keeper-02"),
    ]
    sections = Section.values
    for place, section in enumerate(sections):
        backup = f"section-{sections[(place + 1) % len(sections)].lower()}"
        rows.append(_row(world, f"section-{section.lower()}", Role.BUREAU_SECTION, backup, section=section))
    for code in ("police", "citymgmt"):
        department = world.departments[code]
        rows.append(_row(world, code, Role.DEPARTMENT_LIAISON, f"{code}-02", department=department))
    return rows


def _rota(world: World) -> None:
    today = duty_day(world.at)
    extend_rota(world, today - timedelta(days=ROTA_DAYS_BACK), today + timedelta(days=ROTA_DAYS_AHEAD))


def extend_rota(world: World, first: date, last: date) -> None:
    """Duty shifts of every office from `first` to `last`: `duty-0N` on duty, `office-0N` in charge."""
    rows = []
    for n, office in enumerate(world.offices, start=1):
        for ahead in range((last - first).days + 1):
            day = first + timedelta(days=ahead)
            rows.append(
                DutyShift(office=office, day=day, role=DUTY_OFFICER, user=world.users[f"duty-{n:02d}"])
            )
            rows.append(
                DutyShift(office=office, day=day, role=DUTY_LEADER, user=world.users[f"office-{n:02d}"])
            )
    DutyShift.objects.bulk_create(rows)


def build_entities(world: World, count: int = 300, seed: int = 370983) -> list[BusinessEntity]:
    """Add `count` invented businesses, spread over the grids, each at a point inside its grid."""
    dice = random.Random(seed)  # noqa: S311 - a demo must be the same every time
    mapped = demo_map.build()
    rows = []
    for number in range(1, count + 1):
        place = number % len(mapped)
        lon, lat = _point_in(mapped[place].polygon, dice)
        business_type = dice.choice(BusinessType.values)
        kind = EntityKind.INDIVIDUAL if dice.random() < 0.7 else EntityKind.COMPANY
        rows.append(
            BusinessEntity(
                code=f"D{number:07d}", name=entity_name(number, business_type), uscc=demo_uscc(number, kind),
                kind=kind, business_types=[business_type], operator_name=operator_name(number),
                is_campus_peripheral=dice.random() < 0.05, grid=world.grids[place], lon=lon, lat=lat,
                address=f"{world.grids[place].name}演示路{number}号", is_demo=True,
                filed_on=local_date(world.at) - timedelta(days=dice.randint(200, 1200)),
            )
        )  # fmt: skip
    world.entities = BusinessEntity.objects.bulk_create(rows)
    return world.entities


def demo_uscc(number: int, kind: str) -> str:
    """A valid 统一社会信用代码 for an invented business of the district 370983."""
    prefix = "92" if kind == EntityKind.INDIVIDUAL else "91"
    body = f"{prefix}370983MADM{number:05d}"
    return body + uscc.calc_check_digit(body)


def _point_in(polygon: Any, dice: random.Random) -> tuple[float, float]:
    west, south, east, north = polygon.bounds
    while True:
        lon, lat = round(dice.uniform(west, east), 6), round(dice.uniform(south, north), 6)
        if polygon.contains(Point(lon, lat)):
            return lon, lat
