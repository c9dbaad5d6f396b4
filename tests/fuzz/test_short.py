"""The short form of the fuzz; `make fuzz` is the whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from tests.factories.house import House, on_its_own, standing
from tests.fuzz import document
from tests.fuzz.bodies import Thrower
from tests.fuzz.grounds import indoors
from tests.fuzz.pages import acts, signed_in
from tests.fuzz.tally import Tally
from tests.fuzz.valid import operations, writes

pytestmark = pytest.mark.xdist_group("house")
SEED = 20261123
BODIES = 300


@pytest.fixture(scope="module")
def standing_house(
    django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with standing(django_db_blocker, tmp_path_factory.mktemp("media")) as made:
        yield made


@pytest.fixture
def house(standing_house: House, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    """The house, and no word of each request: there are hundreds of them."""
    logging.disable()
    with on_its_own(django_db_blocker):
        yield standing_house
    logging.disable(logging.NOTSET)


def test_no_answer_breaks_the_document(house: House, django_db_blocker: DjangoDbBlocker) -> None:
    """What a machine makes of the document, right and wrong: never a 500, always an answer as described."""
    tally = Tally()
    document.within_this_process(house, tally, examples=3, blocker=django_db_blocker, seed=SEED)
    assert tally.is_well, "\n".join(tally.faults)
    assert len(tally.operations) == len(operations())
    assert tally.roles == set(document.KINDS)


def test_broken_bodies_leave_nothing(house: House) -> None:
    tally = Tally()
    with indoors() as ground:
        thrower = Thrower(ground, house, tally)
        thrower.everything(BODIES, SEED, signed_in(house), acts(house))
    assert tally.is_well, "\n".join(tally.faults)
    assert tally.figures["rows_left"] == tally.figures["files_left"] == 0
    assert tally.bodies >= BODIES * 0.9


def test_every_writing_endpoint_has_a_body_to_break() -> None:
    """What is not in it takes no JSON: files, and what is deleted."""
    broken = {call.entry.name for call in writes()}
    from tests.test_roles_and_endpoints import ENTRIES

    written = {entry.name for entry in ENTRIES if entry.method in ("POST", "PATCH", "PUT")}
    assert written - broken == {"evidence", "duty-shifts-import"}
