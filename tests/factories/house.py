"""One of everything, around grid 1: what tests of the whole API look at."""

from __future__ import annotations

import copy
import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from credit.models import Appeal, CreditAssessment, CreditFact, CreditScheme, RedPartner, Repair
from grids import absences, task_lists
from grids.demo import World
from grids.models import (
    Absence,
    BusinessEntity,
    DuplicatePair,
    DutyShift,
    ImportFile,
    KeyChange,
    Posting,
    TaskItem,
)
from grids.roles import DUTY_OFFICER, Role
from kernel import clock
from kernel.accounts.models import Device, User
from kernel.approvals.models import Approval
from kernel.deadlines.sweep import sweep
from kernel.evidence import store
from kernel.evidence.models import Evidence
from kernel.notices.models import OutboxMessage
from leads import lifecycle, matters
from leads.intake import Told
from leads.leniency import Proposal
from leads.lifecycle import Outcome
from leads.models import (
    DisposalKind,
    Harm,
    Lead,
    LeniencyDecision,
    LookBack,
    Matter,
    Route,
    SupervisionOrder,
    Whistle,
)
from patrols import doing
from patrols.models import EnforcementCard, PatrolTask, PatrolVisit
from reports import nightly
from stations.models import CircleShop, Dispute, Session
from tests import databases
from tests.factories import after, asked, citizens, disputes, requests, tip_offs, visits
from tests.factories import leads as make
from tests.factories.accounts import make_user, token_for
from tests.factories.grids import make_entity, make_world
from tests.factories.photos import make_photo
from tests.factories.register import about_the_register
from tests.factories.whistles import blown

__all__ = ["House", "built", "lived_in", "make_house", "on_its_own", "standing"]

FAR_AWAY = {"lon": "110.000000", "lat": "30.000000", "crs_in": "wgs84"}


@dataclass
class House:
    """The world, and one row of each kind. Leads but `desk` lie in grid 1; `late` has an open order."""

    world: World
    nobody: User
    former: User
    entity: BusinessEntity
    imported: ImportFile
    late: Lead
    order: SupervisionOrder
    dispatched: Lead
    told: Lead
    responded: Lead
    fed_back: Lead
    closed: Lead
    desk: Lead
    whistled: Lead
    whistle: Whistle
    evidence: Evidence
    own_evidence: Evidence
    notice: OutboxMessage
    absence: Absence
    shift: DutyShift
    next_shift: DutyShift
    device: Device
    task: TaskItem
    heard: Lead
    """Closed, and told by a citizen: owed an answer, with a survey open."""
    token: str

    on_spot: Lead
    controlled: Lead
    merged: Lead
    ordered: Lead
    rechecked: Lead
    look_back: LookBack
    suspended: Lead
    asked: Approval
    """Grid 1's commissioner asks his office's head to suspend a lead."""
    referred: Lead
    received: Lead
    matter: Matter
    """Handed in at grid 1's desk: a request, a tip-off and a complaint."""
    tip_off: Lead
    patrol: PatrolTask
    """Grid 1's worker patrols a shop of grade C today."""
    called_on: PatrolVisit
    card: EnforcementCard
    """Of grid 1's commissioner."""
    lenient: LeniencyDecision
    """Proposed on a lead of `entity`, with its guidance."""

    key_change: KeyChange
    """Grid 1's worker asks to rename another shop of grid 1."""
    alike: DuplicatePair
    appeal: Appeal
    """Entered by grid 1's worker for `entity`, which has `repair` asked for, and another `penalty`."""
    repair: Repair
    penalty: CreditFact
    partner: RedPartner
    """Of another shop of grid 1, graded by `praised`; `worthy` may become one."""
    praised: CreditAssessment
    worthy: BusinessEntity
    draft: CreditScheme
    """The bureau's, tried."""

    dispute: Dispute
    """Of `entity`, taken at the station of grid 1's community: 协商中. The next two too, at the office."""
    filed: Dispute
    accepted: Dispute
    tested: Dispute
    agreed: Dispute
    ended: Dispute
    """Settled on the spot; the consumer is asked whether he is satisfied."""
    sat: Session
    """It has begun, and nothing of it is written down."""
    circle_shop: CircleShop
    """`entity` belongs to the circle in grid 1's community."""

    def leads(self) -> dict[str, Lead]:
        names = ("late", "dispatched", "told", "responded", "fed_back", "closed", "desk")
        return {name: getattr(self, name) for name in names}


def keep_photo(by: User, colour: str = "#c04020") -> Evidence:
    content = make_photo(colour=colour)
    return store.receive(
        file=SimpleUploadedFile("IMG_0001.jpg", content, "image/jpeg"),
        sha256=hashlib.sha256(content).hexdigest(),
        client_uid=uuid.uuid4(),
        captured_at=None,
        place=None,
        by=by,
        at=clock.now(),
    )[0]


def side_roads(world: World) -> dict[str, Any]:
    """One lead of grid 1 on each side road, and one look-back to come."""
    food: dict[str, Any] = {"category": "F03"}
    return {
        "on_spot": make.reported(world, 1, fixed_on_spot=True, **food),
        "controlled": after.controlled(world, 1, **food),
        "merged": after.merged(world, 1, **food),
        "ordered": after.ordered(world, 1, **food),
        "rechecked": after.rechecked(world, 1, **food),
        "look_back": LookBack.objects.filter(lead=after.cleared(world, 1, **food)).earliest("number"),
        "suspended": requests.suspended(world, 1, **food),
        "asked": requests.asked_to_suspend(world, 1, **food),
        "referred": after.referred(world, 1, **food),
        "received": after.received(world, 1, **food),
    }


def proposed(world: World, shop: BusinessEntity) -> LeniencyDecision:
    """Grid 1's commissioner finds the shop's first minor offence, and that it need not be punished."""
    commissioner = world.commissioner(1)
    lead = make.responded(world, 1, category="L02", entity_id=shop.pk)
    said = Proposal(
        Route.FIRST_MINOR, harm=Harm.MINOR, corrected_at=clock.now(), guidance="已讲解亮照经营的规定"
    )
    lifecycle.feed_back(
        lead_id=lead.pk,
        by=commissioner,
        expect=make.take_any,
        outcome=Outcome(DisposalKind.LENIENCY, "首次未亮照，已当场改正", leniency=said),
        evidence=[keep_photo(commissioner, "#802040").pk],
    )
    return LeniencyDecision.objects.get(lead=lead)


def handed_in(world: World) -> dict[str, Any]:
    """One matter of each kind at grid 1's desk."""
    taken = matters.take(tip_offs.given(world), by=world.clerk_of(1))
    return {"matter": taken.matter, "tip_off": taken.matter.tip_off}


def make_house() -> House:
    """Needs a database with the test clock: it travels a day, so that there is a day to report on, and
    31 minutes, so that one lead is late."""
    world = make_world(entities=5, stations=True)
    make.closed(world, 2)
    clock.travel(timedelta(hours=25))
    nobody, former = make_user("nobody"), make_user("former")
    Posting.objects.create(
        user=former,
        role=Role.COMMISSIONER,
        grid=world.grid(21),
        starts_at=world.at - timedelta(days=1500),
        ends_at=world.at - timedelta(days=1200),
    )
    worker, commissioner = world.worker(1), world.commissioner(1)
    evidence = keep_photo(worker)
    late = make.reported(world, 1, category="F03", evidence=(evidence.pk,))
    clock.travel(timedelta(minutes=31))
    sweep()
    told = make.report(world, 1, category="F03", told=Told("李四", "13800001111"))
    by_commissioner: dict[str, Any] = {"by": "commissioner-01"}
    shifts = DutyShift.objects.filter(office=world.office_of(1), day__gt=clock.today()).order_by("day")
    token_for(worker, "另一部手机")
    heard = citizens.closed(world, 1, category="F03")
    now, entity = clock.now(), make_entity(world, 1)
    whistled = make.reported(world, 1, category="F03")
    return House(
        world=world,
        nobody=nobody,
        former=former,
        entity=entity,
        imported=ImportFile.objects.create(
            target="REGISTER", name="登记表.csv", state="TRIED", by=world.clerk_of(1), at=now, finished_at=now
        ),
        late=late,
        order=SupervisionOrder.objects.get(lead=late),
        dispatched=make.reported(world, 1, category="F03"),
        told=make.reported(world, 1, category="F03", told=told.told, **by_commissioner),
        responded=make.responded(world, 1, category="F03"),
        fed_back=make.fed_back(world, 1, category="F03"),
        closed=make.closed(world, 1, category="F03"),
        desk=make.reported(world, 1, category="F02", by="worker-01-1", **FAR_AWAY),
        whistled=whistled,
        whistle=blown(world, 1, ("police",), lead=whistled),
        evidence=evidence,
        own_evidence=keep_photo(commissioner, "#204080"),
        notice=OutboxMessage.objects.filter(recipient=commissioner.pk).latest("id"),
        absence=absences.record(
            user=world.worker(1, 3),
            stand_in=world.worker(1, 2),
            starts_at=now + timedelta(days=1),
            ends_at=now + timedelta(days=2),
            reason="家中有事",
            by=world.community_head_of(1),
            at=now,
        ),
        shift=shifts.filter(role=DUTY_OFFICER)[0],
        next_shift=shifts.filter(role=DUTY_OFFICER)[1],
        device=Device.objects.get(user=worker.pk, name="另一部手机"),
        heard=heard,
        **side_roads(world),
        **handed_in(world),
        lenient=proposed(world, entity),
        **asked.about_grades(world, entity),
        **about_the_register(world),
        **disputes.of_every_kind(world, entity),
        patrol=visits.task_of(world, number=1),
        called_on=doing.visit(entity_id=entity.pk, by=worker, given=visits.said(), reason="店主咨询")[0],
        card=EnforcementCard.objects.create(
            officer=commissioner, number="SD370983001", expires_on=clock.today() + timedelta(days=365)
        ),
        token=citizens.token_in(citizens.sms(heard)),
        task=task_lists.add(
            grid=world.grid(1),
            wish=task_lists.Wish("核对沿街新店执照", worker.pk, now + timedelta(days=1)),
            client_uid=uuid.uuid4(),
            by=commissioner,
            at=now,
        ).task,
    )


@contextmanager
def built(blocker: DjangoDbBlocker, media: Path) -> Iterator[tuple[str, House]]:
    """A house in a database of its own, which exists as long as the context; that database's name."""
    with blocker.unblock(), databases.fresh() as name:
        with override_settings(MEDIA_ROOT=media), databases.pointed_at(name):
            with transaction.atomic():
                made = make_house()
            nightly.make_up()
        yield name, made


@contextmanager
def standing(blocker: DjangoDbBlocker, media: Path) -> Iterator[House]:
    """A house of one's own, to work in. Tests in it take neither `db` nor a mark."""
    with built(blocker, media) as (name, made), lived_in(blocker, name, made, media) as house:
        yield house


@contextmanager
def lived_in(blocker: DjangoDbBlocker, name: str, made: House, media: Path) -> Iterator[House]:
    """Have `connections["default"]` mean the database of a house that was built; a copy of its objects."""
    with blocker.unblock(), override_settings(MEDIA_ROOT=media), databases.pointed_at(name):
        yield copy.deepcopy(made)


@contextmanager
def on_its_own(blocker: DjangoDbBlocker) -> Iterator[None]:
    """One test on a standing house: what it writes is undone."""
    with blocker.unblock(), transaction.atomic():
        yield
        transaction.set_rollback(True)
