"""What the demo knows of its shops: licences, equipment, calls, facts; graded by the real grader (演示数据).

Most shops are sound, some have a little, a few have much: what grade follows is the scheme's business, not
ours. Everything goes through the register's rows and the ledger; nothing is written as a grade.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from credit import grading, ledger
from credit.facts import FactKind
from credit.ledger import NewFact
from grids import contacts
from grids.contacts import Contact
from grids.demo import World
from grids.models import BusinessEntity, BusinessType, Equipment, EquipmentKind, Licence, LicenceType, Purpose
from kernel.clock import SHANGHAI, local_date

SEED = 20_260_930
FOOD = frozenset(
    {BusinessType.CATERING, BusinessType.FOOD_RETAIL, BusinessType.CANTEEN, BusinessType.SUPERMARKET}
)
EQUIPPED: dict[str, EquipmentKind] = {
    BusinessType.SPECIAL_EQUIPMENT: EquipmentKind.BOILER,
    BusinessType.COMPLEX: EquipmentKind.ELEVATOR,
    BusinessType.HOTEL: EquipmentKind.ELEVATOR,
    BusinessType.FUEL: EquipmentKind.FUEL_DISPENSER,
    BusinessType.FARM_MARKET: EquipmentKind.SCALE,
}
PROBLEMS = (
    ("后厨卫生、虫鼠害", "MODERATE"), ("未明码标价", "MINOR"), ("进货查验、标签", "MINOR"),
    ("健康证", "MINOR"), ("过期、变质、三无食品", "SERIOUS"), ("缺斤短两或计量器具未检定", "MODERATE"),
)  # fmt: skip
SOUND, LITTLE, MUCH, GRAVE = 0, 1, 2, 3
SHARES = (56, 30, 11, 3)
"""Of 100 shops: spotless, with a little, with much, and those that fall by a veto."""


@dataclass
class Shops:
    """The demo's shops on the day it is built."""

    world: World
    shops: Sequence[BusinessEntity]
    today: date
    dice: random.Random

    def moment(self, ago: int) -> datetime:
        """About working time, so many days ago."""
        return datetime.combine(self.today - timedelta(days=ago), time(9, self.dice.randrange(60)), SHANGHAI)


def build(world: World, now: datetime) -> None:
    """Licences, equipment, calls and facts of every shop of the demo; then they are graded."""
    shops = Shops(world, world.entities, local_date(now), random.Random(SEED))  # noqa: S311 - no secret
    _papers(shops)
    sorts = shops.dice.choices((SOUND, LITTLE, MUCH, GRAVE), SHARES, k=len(shops.shops))
    facts: list[NewFact] = []
    for shop, sort in zip(shops.shops, sorts, strict=True):
        facts += _facts(shops, shop, sort)
    ledger.record_many(facts)
    _calls(shops)
    grading.regrade_dirty()


def _papers(demo: Shops) -> None:
    licences, equipment = [], []
    for shop in demo.shops:
        licences.append(_licence(demo, shop, LicenceType.BUSINESS, None))
        kind = shop.business_types[0]
        if kind in FOOD:
            left = demo.dice.choice((900, 600, 400, 200, 90, 20, -15))
            licences.append(_licence(demo, shop, LicenceType.FOOD_OPERATION, left))
        elif kind == BusinessType.PHARMACY:
            licences.append(_licence(demo, shop, LicenceType.DRUG, demo.dice.choice((1200, 700, 25))))
        if kind in EQUIPPED:
            due = demo.today + timedelta(days=demo.dice.choice((300, 200, 100, 15, -20)))
            number = f"SB{shop.pk:06d}"
            equipment.append(Equipment(entity=shop, kind=EQUIPPED[kind], number=number, next_test_on=due))
    Licence.objects.bulk_create(licences)
    Equipment.objects.bulk_create(equipment)


def _licence(demo: Shops, shop: BusinessEntity, kind: LicenceType, left: int | None) -> Licence:
    """Good for so many more days (negative: expired), or without limit."""
    until = None if left is None else demo.today + timedelta(days=left)
    issued = (until or demo.today) - timedelta(days=5 * 365)
    number = f"{'JY' if kind == LicenceType.FOOD_OPERATION else 'ZZ'}3709830{shop.pk:06d}"
    return Licence(entity=shop, type=kind, number=number, issued_on=issued, expires_on=until)


def _calls(demo: Shops) -> None:
    """Grid workers have called on four of five shops within the month."""
    numbers = {grid.pk: number for number, grid in enumerate(demo.world.grids, start=1)}
    rows = []
    for shop in demo.shops:
        if demo.dice.random() < 0.8 and shop.grid_id is not None:
            worker = demo.world.user(f"worker-{numbers[shop.grid_id]:02d}-{1 + shop.pk % 3}")
            at = demo.moment(demo.dice.randint(1, 25))
            rows.append(Contact(shop.pk, Purpose.PATROL, worker.pk, at, f"demo:patrol:{shop.pk}"))
    contacts.record(rows)


# --- facts -----------------------------------------------------------------------------------------


def _facts(demo: Shops, shop: BusinessEntity, sort: int) -> Iterator[NewFact]:
    yield _one(demo, shop, FactKind.PATROL, f"visit:demo-{shop.pk}", demo.dice.randint(2, 60), level="OK")
    yield _report(demo, shop, "LATE" if sort >= MUCH else "ON_TIME")
    for kind, what in (
        (FactKind.PLEDGE, "食品安全承诺书"),
        (FactKind.TRAINING, "赋能培训"),
        (FactKind.CO_GOVERNANCE, "参与社区共治"),
    ):
        if demo.dice.random() < 0.5:
            ago = demo.dice.randint(20, 300)
            yield _one(demo, shop, kind, f"{kind.lower()}:demo-{shop.pk}", ago, what=what)
    if sort >= LITTLE:
        for turn in range(demo.dice.randint(1, 2) if sort == LITTLE else demo.dice.randint(3, 4)):
            yield from _problem(demo, shop, turn, on_time=sort == LITTLE)
    if sort >= MUCH:
        yield _penalty(demo, shop)
        if demo.dice.random() < 0.6:
            ref, ago = f"sample:演样{shop.pk:05d}", demo.dice.randint(20, 200)
            yield _one(demo, shop, FactKind.SAMPLE_FAILED, ref, ago, what="监督抽检不合格", number=ref[7:])
    if sort == GRAVE:
        ref = f"blacklist:{shop.pk}"
        yield _one(demo, shop, FactKind.BLACKLISTED, ref, 45, level="LISTED", what="严重违法失信名单")


def _report(demo: Shops, shop: BusinessEntity, level: str) -> NewFact:
    """The annual report that was owed last: by 30 June."""
    due = date(demo.today.year, 6, 30)
    if due > demo.today:
        due = date(demo.today.year - 1, 6, 30)
    number = str(due.year - 1)
    ago = (demo.today - due).days
    return _one(demo, shop, FactKind.ANNUAL_REPORT, f"report:{number}", ago, level=level, number=number)


def _problem(demo: Shops, shop: BusinessEntity, turn: int, *, on_time: bool) -> Iterator[NewFact]:
    """Found, ordered to be put right within a week, and done."""
    what, level = demo.dice.choice(PROBLEMS)
    ago = demo.dice.randint(20, 170)
    ref, number = f"lead:demo-{shop.pk}-{turn}:1", f"演{shop.pk:05d}-{turn}"
    told: dict[str, Any] = {"what": what, "number": number}
    until = demo.today - timedelta(days=ago - 7)
    yield _one(demo, shop, FactKind.FINDING, ref, ago, level=level, **told)
    yield _one(demo, shop, FactKind.RECTIFICATION_ORDERED, ref, ago, level=level, until=until, **told)
    if on_time or demo.dice.random() < 0.4:
        yield _one(demo, shop, FactKind.RECTIFICATION_DONE, ref, ago - 6, level="ON_TIME", **told)
    else:
        yield _one(demo, shop, FactKind.RECTIFICATION_OVERDUE, ref, ago - 8, level=level, **told)
        yield _one(demo, shop, FactKind.RECTIFICATION_DONE, ref, ago - 14, level="LATE", **told)


def _penalty(demo: Shops, shop: BusinessEntity) -> NewFact:
    number = f"演市监罚〔{demo.today.year}〕{shop.pk}号"
    return _one(
        demo,
        shop,
        FactKind.PENALTY,
        f"penalty:{number}",
        demo.dice.randint(30, 300),
        level=demo.dice.choice(("LIGHT", "ORDINARY")),
        what="违反食品安全管理规定",
        number=number,
    )


def _one(
    demo: Shops,
    shop: BusinessEntity,
    kind: FactKind,
    ref: str,
    ago: int,
    *,
    level: str = "",
    until: date | None = None,
    **data: Any,
) -> NewFact:
    """One fact of a shop, so many days ago. Its source says that it is invented."""
    return NewFact(
        entity_id=shop.pk,
        kind=kind,
        ref=ref,
        at=demo.moment(ago),
        source=f"demo:{shop.pk}:{ref}:{kind}",
        level=level,
        until=until,
        data=data,
    )
