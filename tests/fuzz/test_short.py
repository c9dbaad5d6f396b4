"""The short form of the fuzz; `make fuzz` is the whole."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from grids.models import DutyShift, Posting
from grids.roles import DUTY_OFFICER, Role
from kernel.api import error_body
from tests.factories.house import House, on_its_own
from tests.factories.photos import make_photo
from tests.fuzz import document
from tests.fuzz.bodies import JSON, Thrower
from tests.fuzz.breaking import encoded
from tests.fuzz.grounds import Answer, Request, indoors
from tests.fuzz.pages import acts, signed_in
from tests.fuzz.tally import Tally
from tests.fuzz.uploads import multipart
from tests.fuzz.valid import operations, writes
from tests.test_roles_and_endpoints import ENTRIES, PEOPLE

pytestmark = pytest.mark.xdist_group("house")
SEED = 20261123
BODIES = 150
GOOD = {"content-type": "application/json"}
REFUSED = json.dumps(error_body("domain_error", "conflict", "不行。")).encode()


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """The house, and no word of each request: there are hundreds of them."""
    logging.disable()
    with on_its_own(django_db_blocker):
        yield standing_house
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("turns", [10, pytest.param(1, marks=pytest.mark.long)])
def test_no_answer_breaks_the_document(house: House, django_db_blocker: DjangoDbBlocker, turns: int) -> None:
    """What a machine makes of the document, right and wrong, with a token of each kind of role (by turns;
    with all of them in the long form): never a 500, always an answer as described."""
    tally = Tally()
    document.within_this_process(house, tally, blocker=django_db_blocker, seed=SEED, turns=turns)
    assert tally.is_well, "\n".join(tally.faults)
    assert len(tally.operations) == len(operations())
    assert tally.roles == set(document.KINDS)
    assert tally.requests >= 0.9 * len(operations()) * len(document.KINDS) / turns


def test_each_kind_of_role_has_a_token(house: House) -> None:
    people = [PEOPLE[name](house) for name in document.KINDS]
    roles = set(Posting.objects.filter(user__in=people).values_list("role", flat=True))
    assert roles == set(Role)
    duty = DutyShift.objects.filter(user__in=people, role=DUTY_OFFICER)
    assert duty.exists()


def test_broken_bodies_leave_nothing(house: House) -> None:
    tally = Tally()
    with indoors() as ground:
        thrower = Thrower(ground, house, tally)
        thrower.everything(BODIES, SEED, signed_in(house), acts(house))
    assert tally.is_well, "\n".join(tally.faults)
    assert tally.figures["rows_left"] == tally.figures["files_left"] == 0
    assert tally.bodies >= BODIES * 0.9


def test_what_is_left_is_seen(house: House) -> None:
    """A failed sign-in leaves a row, a kept file a file; and neither is there for the next request."""
    photo = make_photo(colour="#305070")
    with indoors() as ground:
        thrower = Thrower(ground, house, Tally())
        for _ in range(2):
            body = encoded({"username": "worker-01-1", "password": "wrong", "device_name": "x"})
            failed = ground.send(Request("POST", "/api/v1/auth/login/", body, JSON), watched=True)
            assert failed.status == 401
            assert failed.rows["axes_accessattempt"] == 1
        parts = {"sha256": hashlib.sha256(photo).hexdigest(), "client_uid": str(uuid.uuid4())}
        raw, sent = multipart(parts, photo)
        for _ in range(2):
            request = Request("POST", "/api/v1/evidence/", raw, thrower.headers("worker") | sent)
            kept = ground.send(request, watched=True)
            assert (kept.status, kept.rows["evidence_evidence"], len(kept.files)) == (201, 1, 1)


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        (Answer(500, {}, b""), "server_errors"),
        (Answer(404, {"content-type": "text/html"}, b"<p>"), "broken_answers"),
        (Answer(400, {"content-type": "application/json"}, b'{"detail": "no"}'), "broken_answers"),
        (Answer(409, GOOD, REFUSED, rows={"leads_lead": 1}), "rows_left"),
        (Answer(422, GOOD, REFUSED, files=frozenset({"evidence/x"})), "files_left"),
    ],
)
def test_each_fault_is_counted(answer: Answer, figure: str) -> None:
    tally = Tally()
    tally.judge(Request("POST", "/api/v1/leads/"), answer)
    assert (tally.figures[figure], tally.is_well) == (1, False)
    well = Tally()
    well.judge(Request("POST", "/api/v1/leads/"), Answer(409, GOOD, REFUSED))
    assert well.is_well


def test_every_writing_endpoint_has_a_body_to_break() -> None:
    """What is not in it takes no JSON: files, and what is deleted."""
    broken = {call.entry.name for call in writes()}
    written = {entry.name for entry in ENTRIES if entry.method in ("POST", "PATCH", "PUT")}
    assert written - broken == {"evidence", "duty-shifts-import", "entities-import", "facts-import"}
