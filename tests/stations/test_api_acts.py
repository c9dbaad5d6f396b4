"""Acts on a dispute over the API: each move, who may, what a stale page hears, and sent twice (API.md)."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from stations import official
from stations.models import Agreement, Dispute, Party
from tests.factories import disputes as more
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, pass_time
from tests.factories.stations import Place
from tests.leads.calls import Api, code_of

pytestmark = pytest.mark.django_db
ALL = list(official.CONDITIONS)


def drawn(seed: str = "") -> str:
    return "data:image/png;base64," + base64.b64encode(made.signature(seed)).decode()


def agreement(**fields: Any) -> dict[str, Any]:
    last = clock.today() + timedelta(days=3)
    return {
        "client_uid": str(uuid.uuid4()),
        "terms": f"店家退还货款，{made.NAME}退回大衣。",
        "amount": "399.00",
        "perform_by": last.isoformat(),
        "signatures": {"consumer": drawn("a"), "shop": drawn("b")},
        **fields,
    }


MOVES: list[tuple[str, Callable[..., Dispute], str, dict[str, Any], str]] = [
    ("settle", made.taken, "mediator", {"note": "当场退款"}, "settled"),
    ("escalate", made.taken, "mediator", {"note": "消费者请求商圈调解"}, "mediating"),
    ("escalate", made.in_circle, "circle_mediator", {"note": "店主请求社区调解"}, "mediating"),
    ("fail", made.in_community, "mediator", {"reason": "SHOP_UNWILLING"}, "not_reached"),
    ("withdraw", made.taken, "mediator", {"reason": "GIVEN_UP"}, "withdrawn"),
    ("to-official", made.in_community, "mediator", {"way": "TELEPHONE", "note": "要求转12315"}, "filed"),
    ("accept", made.filed, "clerk", {"conditions": ALL}, "accepted"),
    ("refuse", made.filed, "clerk", {"ground": "THREE_YEARS"}, "refused"),
    ("testing", made.accepted, "clerk", {"kind": "INSPECTION", "institution": "检验中心"}, "accepted"),
    ("testing/end", more.tested, "clerk", {"result": "面料与标识不符"}, "accepted"),
    ("agree", made.in_community, "mediator", {}, "agreed"),
    ("perform", made.agreed, "mediator", {"performed": True, "note": "已退款"}, "performed"),
]


@pytest.mark.parametrize(
    ("name", "make", "who", "body", "state"), MOVES, ids=[f"{n}-{m.__name__}" for n, m, *_ in MOVES]
)
def test_each_move(
    around: Place,
    api: Api,
    name: str,
    make: Callable[..., Dispute],
    who: str,
    body: dict[str, Any],
    state: str,
) -> None:
    """Refused without the version and with another; done; sent again, the first result."""
    row = make(around)
    row.refresh_from_db()
    user, path = getattr(around, who), f"disputes/{row.pk}/{name}/"
    sent = agreement() if name == "agree" else body
    assert name in api.get(user, f"disputes/{row.pk}/").json()["allowed"]
    assert api.post(user, path, sent).status_code == 428
    assert api.post(user, path, sent, "*").status_code == 428
    assert api.post(user, path, sent, row.version + 1).status_code == 412
    unknown = api.post(user, path, {**sent, "x": 1}, row.version)
    assert (unknown.status_code, code_of(unknown)) == (400, "unknown_field")
    done = api.post(user, path, sent, row.version)
    assert done.status_code == 200, done.content
    assert done.json()["state"] == state
    assert done["ETag"] == f'"v{row.version + 1}"'
    assert made.NAME not in done.content.decode()
    again = api.post(user, path.rstrip("/"), sent, row.version)
    assert (again.status_code, again["ETag"]) == (200, done["ETag"]), again.content


def test_who_may(around: Place, api: Api) -> None:
    """Not the colleague elsewhere, who does not know of it; not the office, while it is the station's."""
    elsewhere = made.place(around.world, 21)
    row = made.taken(around)
    for user, status in (
        (elsewhere.mediator, 404),
        (elsewhere.clerk, 404),
        (around.world.worker(1), 404),
        (around.clerk, 403),
        (around.world.user("bureau"), 403),
        (around.world.user("auditor"), 403),
        (around.world.user("admin"), 404),
    ):
        answer = api.post(user, f"disputes/{row.pk}/settle/", {}, row.version)
        assert answer.status_code == status, user
    filed = made.filed(around)
    for user in (around.mediator, around.world.commissioner(1), around.section):
        answer = api.post(user, f"disputes/{filed.pk}/accept/", {"conditions": ALL}, filed.version)
        assert (answer.status_code, code_of(answer)) == (403, "not_office"), user
    assert api.post(around.mediator, f"disputes/{2**64}/settle/", {}, 1).status_code == 404
    assert api.post(around.mediator, "disputes/999999999/settle/", {}, 1).status_code == 404


@pytest.mark.parametrize(
    ("make", "who", "name", "body", "status", "code"),
    [
        (made.settled, "mediator", "escalate", {"note": "再调解"}, 409, "wrong_state"),
        (made.in_community, "mediator", "escalate", {"note": "再向上"}, 409, "highest_tier"),
        (made.taken, "mediator", "escalate", {"note": " "}, 400, "blank"),
        (made.taken, "mediator", "fail", {"reason": "TIME_OUT"}, 400, "invalid_choice"),
        (made.taken, "mediator", "to-official", {"way": "FAX"}, 400, "invalid_choice"),
        (
            made.taken,
            "mediator",
            "to-official",
            {"way": "TELEPHONE", "said_at": "2020-01-01T00:00:00+08:00"},
            400,
            "said_at",
        ),
        (
            made.taken,
            "mediator",
            "to-official",
            {"way": "TELEPHONE", "said_at": "9999-12-31T23:59:59-12:00"},
            400,
            None,
        ),
        (made.filed, "clerk", "accept", {"conditions": ALL[1:]}, 422, "conditions"),
        (made.filed, "clerk", "accept", {"conditions": ["NICE"]}, 400, "invalid_choice"),
        (made.filed, "clerk", "accept", {}, 400, "required"),
        (made.filed, "clerk", "refuse", {"ground": "OTHER_LAW"}, 422, "reason_required"),
        (made.accepted, "clerk", "testing/end", {"result": "合格"}, 409, "not_testing"),
        (
            more.tested,
            "clerk",
            "testing/end",
            {"result": "合格", "ended_at": "2031-01-01T00:00:00Z"},
            400,
            "ended_at",
        ),
        (
            more.tested,
            "clerk",
            "testing",
            {"kind": "APPRAISAL", "institution": "别处"},
            409,
            "already_testing",
        ),
        (
            made.taken,
            "mediator",
            "testing",
            {"kind": "APPRAISAL", "institution": "别处"},
            409,
            "wrong_state",
        ),
        (made.agreed, "mediator", "perform", {"performed": False, "note": "未退"}, 409, "not_due"),
        (made.agreed, "mediator", "perform", {"performed": False}, 422, "reason_required"),
        (made.taken, "mediator", "perform", {"performed": True}, 409, "wrong_state"),
        (made.taken, "mediator", "settle", {"note": "长" * 1001}, 400, "max_length"),
        (made.taken, "mediator", "settle", {"note": "\x00"}, 400, "null_characters_not_allowed"),
    ],
)
def test_what_is_refused(
    around: Place,
    api: Api,
    make: Callable[..., Dispute],
    who: str,
    name: str,
    body: dict[str, Any],
    status: int,
    code: str | None,
) -> None:
    row = make(around)
    row.refresh_from_db()
    answer = api.post(getattr(around, who), f"disputes/{row.pk}/{name}/", body, row.version)
    assert answer.status_code == status, answer.content
    assert code in (None, code_of(answer))
    before = row.version
    row.refresh_from_db()
    assert row.version == before


def test_mediation_that_ended_at_the_office_is_not_filed_again(around: Place, api: Api) -> None:
    row = made.accepted(around)
    path = f"disputes/{row.pk}"
    body = {"reason": "NO_AGREEMENT"}
    ended = api.post(around.clerk, f"{path}/fail/", body, row.version).json()
    assert (ended["state"], ended["tier"]) == ("not_reached", "OFFICIAL")
    assert "to-official" not in ended["allowed"]
    again = api.post(around.clerk, f"{path}/to-official/", {"way": "IN_PERSON"}, ended["version"])
    assert (again.status_code, code_of(again)) == (409, "wrong_state")


# --- agreements ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"signatures": {"consumer": drawn("a")}}, 400, "required"),
        ({"signatures": {"consumer": drawn("a"), "shop": "诸葛"}}, 400, "invalid"),
        ({"signatures": {"consumer": drawn("a"), "shop": "data:image/png;base64,???"}}, 400, "invalid"),
        ({"signatures": {"consumer": drawn("a"), "shop": "data:image/png;base64,诸葛"}}, 400, "invalid"),
        ({"signatures": {"consumer": drawn("a"), "shop": "data:image/png;base64,AAAA"}}, 415, "not_png"),
        ({"signatures": {"consumer": drawn("a"), "shop": 7}}, 400, "invalid"),
        ({"signatures": {"consumer": drawn("a"), "shop": f"{drawn('b')}{'A' * 300_000}"}}, 400, "too_long"),
        ({"signatures": "x"}, 400, "invalid"),
        ({"perform_by": "2026-03-09"}, 422, "bad_day"),
        ({"perform_by": "9999-12-31"}, 422, "bad_day"),
        ({"perform_by": "31.12."}, 400, "invalid"),
        ({"terms": " "}, 400, "blank"),
        ({"terms": "长" * 3001}, 400, "max_length"),
        ({"amount": "1e40"}, 400, "max_digits"),
    ],
)
def test_an_agreement_that_is_wrong(
    around: Place, api: Api, fields: dict[str, Any], status: int, code: str
) -> None:
    row = made.in_community(around)
    answer = api.post(around.mediator, f"disputes/{row.pk}/agree/", agreement(**fields), row.version)
    assert (answer.status_code, code_of(answer)) == (status, code), answer.content
    assert not Agreement.objects.exists()


def test_an_enormous_signature_is_none(around: Place, api: Api) -> None:
    """A picture that claims to be 60,000 × 60,000 is not unpacked."""
    head = made.signature()
    bomb = head[:16] + (60_000).to_bytes(4, "big") * 2 + head[24:]
    said = "data:image/png;base64," + base64.b64encode(bomb).decode()
    row = made.in_community(around)
    body = agreement(signatures={"consumer": said, "shop": drawn()})
    answer = api.post(around.mediator, f"disputes/{row.pk}/agree/", body, row.version)
    assert answer.status_code in (415, 422), answer.content


def test_signed_shown_printed_and_broken(around: Place, api: Api) -> None:
    row = made.in_community(around)
    path = f"disputes/{row.pk}"
    draft = api.post(around.mediator, f"{path}/agreement/preview/", {**_terms(), "perform_by": "2026-03-13"})
    assert (draft.status_code, draft["Content-Type"]) == (200, "application/pdf")
    assert draft.content.startswith(b"%PDF")
    assert api.get(around.mediator, f"{path}/agreement.pdf").status_code == 404, "nothing is signed yet"
    signed = api.post(around.mediator, f"{path}/agree/", agreement(), row.version).json()
    (shown,) = signed["agreements"]
    assert (shown["state"], shown["amount"], shown["perform_by"]) == ("signed", "399.00", "2026-03-13")
    assert {one["party"] for one in shown["signatures"]} == set(Party.values)
    assert made.NAME not in shown["terms"]
    for ending, begins in (("pdf", b"%PDF"), ("docx", b"PK")):
        for user in (around.mediator, around.clerk):
            paper = api.get(user, f"{path}/agreement.{ending}", agreement=shown["id"])
            assert paper.status_code == 200
            assert paper.content.startswith(begins)
            assert (paper["Cache-Control"], "attachment" in paper["Content-Disposition"]) == (
                "no-store",
                True,
            )
        assert api.get(around.world.user("bureau"), f"{path}/agreement.{ending}").status_code == 403
        assert api.get(around.world.worker(1), f"{path}/agreement.{ending}").status_code == 404
    assert api.get(around.mediator, f"{path}/agreement.pdf", agreement=2**62).status_code == 404
    assert api.get(around.mediator, f"{path}/agreement.pdf", agreement="x").status_code == 400
    kinds = [one["kind"] for one in api.get(around.mediator, f"{path}/timeline/").json()["entries"]]
    assert kinds.count("agreement.printed") == 4
    pass_time(timedelta(days=5))
    word = {"way": "TELEPHONE", "note": "要求转12315"}
    broken = {"performed": False, "note": "到期未退款", "to_official": word}
    version = Dispute.objects.get(pk=row.pk).version
    after = api.post(around.mediator, f"{path}/perform/", broken, version)
    assert after.status_code == 200, after.content
    assert (after.json()["state"], after.json()["tier"]) == ("filed", "OFFICIAL")
    assert after.json()["word"]["way"] == "TELEPHONE"
    assert after.json()["agreements"][0]["state"] == "broken"


def _terms() -> dict[str, Any]:
    found = agreement()
    return {name: found[name] for name in ("terms", "amount", "perform_by")}


# --- sessions --------------------------------------------------------------------------------------


def test_booked_held_and_cancelled(around: Place, api: Api) -> None:
    row = made.in_community(around)
    path = f"disputes/{row.pk}/sessions/"
    begins = TUESDAY + timedelta(hours=2)
    sent = {
        "client_uid": str(uuid.uuid4()),
        "place": "STATION",
        "starts_at": begins.isoformat(),
        "ends_at": (begins + timedelta(hours=1)).isoformat(),
        "note": f"{made.NAME}带发票",
    }
    assert api.post(around.mediator, path, sent).status_code == 428
    booked = api.post(around.mediator, path, sent, row.version)
    assert (booked.status_code, booked["ETag"]) == (201, f'"v{row.version + 1}"'), booked.content
    found = booked.json()
    assert (found["state"], found["mediator"]["id"]) == ("planned", around.mediator.pk)
    assert made.NAME not in found["note"]
    again = api.post(around.mediator, path, sent, row.version)
    assert (again.status_code, again.json()["id"]) == (200, found["id"])
    other = api.post(around.mediator, path, sent | {"place": "SHOP"}, row.version + 1)
    assert (other.status_code, code_of(other)) == (409, "client_uid_conflict")
    fresh = {**sent, "client_uid": str(uuid.uuid4())}
    busy = api.post(around.mediator, path, fresh, row.version + 1)
    assert (busy.status_code, code_of(busy)) == (409, "mediator_busy")
    for wrong, status in (
        ({"starts_at": "9999-12-31T01:00:00Z", "ends_at": "9999-12-31T01:30:00Z"}, 422),
        ({"starts_at": "0001-01-01T00:00:00Z"}, 422),
        ({"ends_at": "9999-12-31T23:59:59-12:00"}, 400),
        ({"mediator": 2**63 - 1}, 422),
        ({"mediator": around.world.worker(1).pk}, 422),
        ({"place": "MOON"}, 400),
    ):
        assert api.post(around.mediator, path, {**fresh, **wrong}, row.version + 1).status_code == status
    one = f"mediation-sessions/{found['id']}"
    held = {"consumer_came": True, "shop_came": True, "minutes": f"{made.NAME}同意退货"}
    early = api.post(around.mediator, f"{one}/hold/", held, row.version + 1)
    assert (early.status_code, code_of(early)) == (409, "not_begun")
    pass_time(timedelta(hours=3))
    assert api.post(around.clerk, f"{one}/hold/", held, row.version + 1).status_code == 403
    assert api.post(around.world.worker(1), f"{one}/hold/", held, row.version + 1).status_code == 404
    assert api.post(around.mediator, f"{one}/hold/", held, 99).status_code == 412
    done = api.post(around.mediator, f"{one}/hold/", held, row.version + 1)
    assert done.status_code == 200, done.content
    assert (done.json()["state"], made.NAME in done.json()["minutes"]) == ("held", False)
    assert api.post(around.mediator, f"{one}/hold/", held, row.version + 1).status_code == 200
    over = api.post(around.mediator, f"{one}/cancel/", {"why": "改期"}, row.version + 2)
    assert (over.status_code, code_of(over)) == (409, "session_over")
    listed = api.get(around.mediator, path, count="exact").json()
    assert (listed["count"], listed["results"][0]["id"]) == (1, found["id"])
    assert api.post(around.mediator, f"mediation-sessions/{2**65}/hold/", held, 1).status_code == 404


# --- what follows ----------------------------------------------------------------------------------


def test_set_right_what_was_written_down(around: Place, api: Api) -> None:
    row = made.taken(around, entity_name="没有登记的店")
    path = f"disputes/{row.pk}/"

    def patch(user: Any, data: Any, version: int | None) -> Any:
        from tests.factories.accounts import bearer

        headers = bearer(user) | ({"If-Match": f'"v{version}"'} if version else {})
        return api.client.patch(f"/api/v1/{path}", data, content_type="application/json", headers=headers)

    said = {"entity": around.shop.pk, "amount": None, "claims": ["EXCHANGE"]}
    assert patch(around.mediator, said, None).status_code == 428
    assert patch(around.clerk, said, row.version).status_code == 403
    answer = patch(around.mediator, said, row.version)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["entity"]["id"], found["amount"], found["claims"]) == (around.shop.pk, None, ["EXCHANGE"])
    assert patch(around.mediator, said, row.version).status_code == 200
    assert patch(around.mediator, {"description": "别的"}, row.version).status_code == 400
    assert patch(around.mediator, {"bought_on": "2999-01-01"}, found["version"]).status_code == 422


def test_a_hint_becomes_a_lead_without_the_consumer(around: Place, api: Api) -> None:
    row = made.taken(around)
    body = {"client_uid": str(uuid.uuid4()), "category": "F03", "description": f"{made.NAME}说后厨有老鼠"}
    first = api.post(around.mediator, f"disputes/{row.pk}/lead/", body)
    assert first.status_code == 201, first.content
    again = api.post(around.mediator, f"disputes/{row.pk}/lead/", body)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    shown = api.get(around.world.user("bureau"), f"disputes/{row.pk}/").json()["leads"]
    assert [one["id"] for one in shown] == [first.json()["id"]]
    told = api.get(around.world.user("bureau"), f"leads/{first.json()['id']}/").json()["description"]
    assert made.NAME not in told
    assert api.post(around.world.worker(1), f"disputes/{row.pk}/lead/", body).status_code == 404


def test_satisfaction_by_telephone(around: Place, api: Api) -> None:
    row = made.settled(around)
    path = f"disputes/{row.pk}/survey/"
    assert "survey" in api.get(around.clerk, f"disputes/{row.pk}/").json()["allowed"]
    assert "survey" not in api.get(around.mediator, f"disputes/{row.pk}/").json()["allowed"]
    said = {"rating": "unsatisfied", "comment": "没有说清"}
    mine = api.post(around.mediator, path, said)
    assert (mine.status_code, code_of(mine)) == (403, "not_surveyor")
    answer = api.post(around.clerk, path, said)
    assert answer.status_code == 200, answer.content
    assert answer.json()["surveys"][0]["rating"] == "unsatisfied"
    assert api.post(around.clerk, path, said).status_code == 200
    assert api.post(around.clerk, path, {"rating": "satisfied"}).status_code == 409
    assert api.get(around.mediator, path).json()["surveys"][0]["comment"] is None
    assert api.get(around.world.worker(1), path).status_code == 404
