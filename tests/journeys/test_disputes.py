"""小事不出店、大事不出商圈、难事不出社区: disputes from the counter to their end, each by its own road."""

from __future__ import annotations

from datetime import timedelta

from credit.models import CreditFact
from grids.models import EntityContact
from kernel import clock
from stations import agreements
from stations.models import Agreement
from tests.journeys.counter import CONDITIONS, NAME, Counter, clock_of, due, tiers
from tests.journeys.town import Town, local
from tests.stack import wait_until

HOUR = timedelta(hours=1)


def test_settled_in_the_shop_unhappy_and_heard_again(town: Town) -> None:
    """One tap at the counter; then a link, an unhappy word, a decision, and the community mediates."""
    town.by_day()
    at = Counter(town, 18, mobile="13905384418")
    taken = at.take()
    assert (taken["state"], taken["tier"], taken["station"]["code"]) == (
        "negotiating", "SHOP", at.station.code,
    )  # fmt: skip
    assert local(taken["due_at"]) - local(taken["registered_at"]) == 24 * HOUR
    assert NAME not in str(taken)
    assert at.mobile not in str(taken)
    for outsider in (town.worker(18), at.in_circle, town.community_head(1)):
        assert outsider.get(f"disputes/{taken['id']}/").status == 404
    settled = at.act(at.mediator, taken, "settle", {"note": "店家当场退款"})
    assert (settled["state"], settled["outcome"], settled["due_at"]) == ("settled", "ON_THE_SPOT", None)
    assert {one["state"] for one in settled["deadlines"]} <= {"met", "cancelled"}
    assert at.take(settled_at_once=True)["outcome"] == "ON_THE_SPOT"

    text = at.text(taken, "已和解")
    assert at.rate(text, "unsatisfied", f"我是{NAME}，钱还没有到账") == 200
    assert at.rate(text, "satisfied") == 409
    waiting = at.head.get("approvals/", page_size=200).must_be(200).body["results"]
    (asked,) = [one for one in waiting if one["kind"] == "dispute.reopen"]
    seen = at.head.get(f"approvals/{asked['id']}/").must_be(200)
    at.head.post(f"approvals/{asked['id']}/approve/", {"note": "重新调解"}, if_match=seen.etag).must_be(200)
    again = at.see(taken)
    assert (again["state"], again["tier"], again["round"], again["outcome"]) == (
        "mediating", "COMMUNITY", 2, None,
    )  # fmt: skip
    assert at.act(at.mediator, again, "settle")["outcome"] == "SETTLED", "no longer on the spot"
    wait_until(lambda: at.text(taken, "已和解") != text, within_s=40, what="the second question")
    assert at.rate(at.text(taken, "已和解"), "very_satisfied") == 200


def test_withdrawn_by_the_consumer(town: Town) -> None:
    town.by_day()
    at = Counter(town, 18, mobile="13905384419", circle=False)
    taken = at.take()
    mistaken = {"reason": "GIVEN_UP", "note": f"{NAME}来电不再主张"}
    stale = at.mediator.post(f"disputes/{taken['id']}/withdraw/", mistaken, if_match='"v99"')
    assert stale.status == 412
    ended = at.act(at.mediator, taken, "withdraw", mistaken)
    assert (ended["state"], ended["withdrawal_reason"]) == ("withdrawn", "GIVEN_UP")
    assert NAME not in ended["end_note"]
    assert not any("/s/" in one for one in town.provider.texts_to(at.mobile)), "who withdrew is asked nothing"


def test_up_by_the_clocks_to_the_circle_to_the_community_and_to_their_ends(town: Town) -> None:
    """Three of one shop: settled in the circle; out of time without a word; to the office by the word that
    waited since intake."""
    town.by_day()
    at = Counter(town, 19, mobile="13905384420")
    small, silent, spoken = at.take(), at.take(), at.take(wants_official=True)
    town.travel_to(due(spoken, "shop") + timedelta(seconds=1))
    assert tiers(at.see(small)) == [("SHOP", "TAKEN"), ("CIRCLE", "TIME_OUT")]
    seen = at.in_circle.get("notices/", page_size=200).must_be(200).body["results"]
    assert {"stations.entered"} <= {one["template"] for one in seen}
    assert at.try_act(at.mediator, small, "settle").code == "not_handler", "it lies with the circle now"
    assert at.act(at.in_circle, small, "settle")["outcome"] == "SETTLED"

    in_circle = at.see(silent)
    assert local(in_circle["due_at"]) - local(in_circle["tier_since"]) == 72 * HOUR
    town.travel_to(due(at.see(spoken), "circle") + timedelta(seconds=1))
    in_community = at.see(silent)
    assert (in_community["tier"], in_community["station"]["code"]) == ("COMMUNITY", at.station.code)
    assert local(in_community["due_at"]) - local(in_community["tier_since"]) == 168 * HOUR
    town.travel_to(due(at.see(spoken), "community") + timedelta(seconds=1))
    ended, filed = at.see(silent), at.see(spoken)
    assert (ended["state"], ended["outcome"], ended["fail_reason"]) == (
        "not_reached", "NOT_REACHED", "TIME_OUT",
    )  # fmt: skip
    assert tiers(ended)[-1] == ("COMMUNITY", "TIME_OUT"), "no clock alone leads to the office"
    assert (filed["state"], filed["tier"], tiers(filed)[-1]) == ("filed", "OFFICIAL", ("OFFICIAL", "WORD"))
    at.text(silent, "未能达成一致", "要求转12315")

    # Who ran out of time may still say so: what was over goes to the office.
    late = at.file(at.mediator, silent)
    assert (late["state"], late["round"], late["outcome"]) == ("filed", 2, None)
    ground = {"ground": "NOT_CONSUMER", "note": f"{NAME}为经营购买"}
    assert at.try_act(at.mediator, late, "refuse", ground).code == "not_office"
    refused = at.act(at.clerk, late, "refuse", ground)
    assert (refused["state"], refused["refusal_ground"]) == ("refused", "NOT_CONSUMER")
    at.text(refused, "不是为生活消费需要购买", "行政复议")
    at.act(at.clerk, spoken, "withdraw", {"reason": "SOLVED"})


def test_an_agreement_of_the_community_is_signed_and_performed(town: Town) -> None:
    town.by_day()
    at = Counter(town, 20, mobile="13905384421")
    taken = at.take()
    at.act(at.mediator, taken, "escalate", {"note": "消费者请求商圈调解"})
    up = at.act(at.in_circle, taken, "escalate", {"note": "经营者请求社区调解"})
    assert tiers(up) == [("SHOP", "TAKEN"), ("CIRCLE", "ASKED"), ("COMMUNITY", "ASKED")]
    held = at.meet(at.mediator, up, place="SHOP")
    assert NAME not in held["minutes"]
    assert EntityContact.objects.filter(entity=at.shop).exists(), "a meeting in the shop is an entry into it"
    signed = at.sign(at.mediator, up, town.today() + timedelta(days=1))
    assert signed["state"] == "agreed"
    assert clock_of(signed, "perform")["state"] == "running"
    [agreement] = signed["agreements"]
    assert {one["party"] for one in agreement["signatures"]} == {"CONSUMER", "SHOP", "MEDIATOR"}
    for ending, start in (("pdf", b"%PDF"), ("docx", b"PK")):
        paper = at.mediator.get(f"disputes/{signed['id']}/agreement.{ending}").must_be(200)
        assert paper.content.startswith(start)
        assert town.bureau.get(f"disputes/{signed['id']}/agreement.{ending}").status == 403
    town.travel_to(due(signed, "perform") + timedelta(seconds=1))
    assert clock_of(at.see(signed), "check")["state"] == "running"
    done = at.act(at.mediator, signed, "perform", {"performed": True, "note": "已退款"})
    assert (done["state"], done["outcome"]) == ("performed", "PERFORMED")
    assert not CreditFact.objects.filter(ref=f"dispute:{done['id']}").exists()


def test_a_broken_agreement_costs_and_goes_on_to_the_next_tier_and_to_the_office(town: Town) -> None:
    """Broken in the shop: a fact, and the circle. Broken again in the community: the office, by the word."""
    town.by_day()
    at = Counter(town, 21, mobile="13905384422")
    taken = at.take()
    first = at.sign(at.mediator, taken, town.today())
    not_done = {"performed": False, "note": "店家没有退款"}
    assert at.try_act(at.mediator, first, "perform", not_done).code == "not_due"
    town.travel_to(due(first, "perform") + timedelta(seconds=1))
    town.by_day()
    broken = at.act(at.mediator, first, "perform", not_done)
    assert (broken["state"], broken["tier"], tiers(broken)[-1]) == (
        "mediating", "CIRCLE", ("CIRCLE", "BROKEN"),
    )  # fmt: skip
    [fact] = CreditFact.objects.filter(ref=f"dispute:{taken['id']}")
    assert (fact.kind, fact.level, fact.entity_id) == ("COMPLAINT", "NOT_PERFORMED", at.shop.pk)

    at.act(at.in_circle, broken, "escalate", {"note": "消费者请求社区调解"})
    second = at.sign(at.mediator, broken, town.today())
    town.travel_to(due(second, "perform") + timedelta(seconds=1))
    town.by_day()
    word = {"to_official": {"way": "IN_PERSON", "note": "消费者当面要求转12315"}}
    filed = at.act(at.mediator, second, "perform", not_done | word)
    assert (filed["state"], filed["tier"]) == ("filed", "OFFICIAL")
    assert [one["state"] for one in filed["agreements"]] == ["broken", "broken"]
    assert CreditFact.objects.filter(ref=f"dispute:{taken['id']}").count() == 2
    for row in Agreement.objects.filter(dispute=taken["id"]):
        assert agreements.verified(row)
    accept_settle(at, filed)


def accept_settle(at: Counter, filed: dict[str, object]) -> None:
    accepted = at.act(at.clerk, filed, "accept", {"conditions": CONDITIONS})
    assert accepted["state"] == "accepted"
    assert at.act(at.clerk, filed, "settle", {"note": "店家当面退款"})["outcome"] == "SETTLED"


def test_the_office_accepts_mediates_and_ends_it(town: Town) -> None:
    """By the consumer's word alone; testing stops the clock; mediation that fails is ended."""
    town.by_day()
    at = Counter(town, 18, mobile="13905384423", circle=False)
    taken = at.take()
    filed = at.file(at.mediator, taken)
    assert (filed["state"], filed["word"]["way"]) == ("filed", "TELEPHONE")
    assert at.clerk.get("notices/").must_be(200).body["results"][0]["template"] == "stations.filed"
    half = at.try_act(at.clerk, filed, "accept", {"conditions": CONDITIONS[:3]})
    assert (half.status, half.code) == (422, "conditions")
    accepted = at.act(at.clerk, filed, "accept", {"conditions": CONDITIONS})
    version = 2 if clock.today().isoformat() >= "2026-04-15" else 1
    assert (accepted["state"], accepted["mediation_policy"]) == ("accepted", version)
    before = due(accepted, "mediation")
    at.act(at.clerk, accepted, "testing", {"kind": "APPRAISAL", "institution": "市纤维检验所"})
    assert clock_of(at.see(taken), "mediation")["state"] == "paused"
    town.pass_time(5 * HOUR)
    at.act(at.clerk, accepted, "testing/end", {"result": "含绒量符合标识"})
    after = due(at.see(taken), "mediation")
    assert 5 * HOUR <= after - before < 5 * HOUR + timedelta(minutes=1), "testing is not counted"
    at.meet(at.clerk, accepted, place="OFFICE")
    ended = at.act(at.clerk, accepted, "fail", {"reason": "SHOP_UNWILLING", "note": "店家不再协商"})
    assert (ended["state"], ended["tier"], ended["fail_reason"]) == (
        "not_reached", "OFFICIAL", "SHOP_UNWILLING",
    )  # fmt: skip
    at.text(ended, "终止调解")
    assert not CreditFact.objects.filter(entity=at.shop).exists(), "refusing is never scored"
    assert at.try_act(at.clerk, ended, "to-official", {"way": "WRITING"}).status == 409


def test_nobody_was_told_who_they_are(town: Town) -> None:
    """In no answer to anyone's phone, and in no line of any process."""
    secrets = (NAME, *(f"139053844{number}" for number in range(18, 25)))
    for phone in town._phones.values():
        for content in phone.answers:
            assert not any(word.encode() in content for word in secrets)
    for log in town.stack.folder.glob("*.log"):
        written = log.read_text(errors="replace")
        assert not any(word in written for word in secrets), log.name
