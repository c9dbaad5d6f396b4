"""The admin of disputes: who sees what on which page, the acts as forms, stale pages, statements."""

from __future__ import annotations

import base64
import io
import re
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from python_calamine import CalamineWorkbook

from grids.demo import World
from kernel import clock
from kernel.accounts.models import User
from kernel.journal.models import Entry
from stations import official
from stations.models import Agreement, CircleShop, Dispute, Session, Station
from tests.factories import stations as made
from tests.factories.stations import NAME, PHONE, Place
from tests.suoshe.pages import english_in

LIST = "/admin/stations/dispute/"
DESK = f"{LIST}desk/"
FIGURES = f"{LIST}figures/"
ALLOWED = {
    "JPEG",
    "PNG",
    "WebP",
    "HEIC",
    "MP",
    "MP4",
    "m4a",
    "aac",
    "amr",
    "MB",
    "PDF",
    "Word",
    "n",
    "esc",
    "WGS",
}
CODE = re.compile(r"\b[0-9a-f]{10,64}\b|JF\d{8}-\d{6}(-\d+)?|T-\d+|XS\d{8}-\d{6}")


@pytest.fixture(autouse=True)
def _no_snapshot() -> None:
    cache.clear()


def client_of(user: User) -> Client:
    """Signed in to the admin as this person."""
    if not user.is_staff:
        User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code, answer.get("Location"))
    return answer.content.decode()


def of(row: Dispute) -> str:
    return f"{LIST}{row.pk}/change/"


def act(row: Dispute, key: str) -> str:
    return f"{LIST}{row.pk}/act/{key}/"


def send(client: Client, row: Dispute, key: str, **fields: Any) -> Any:
    row.refresh_from_db()
    return client.post(act(row, key), {"version": row.version, **fields})


# --- who sees what ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("mediator", True),
        ("circle mediator", False),
        ("clerk-01", True),
        ("office-01", True),
        ("community-01", True),
        ("section-consumer", True),
        ("bureau", True),
        ("auditor", True),
        ("clerk-04", False),
        ("commissioner-01", False),
    ],
)
def test_the_list_and_the_page_show_only_what_is_visible(around: Place, who: str, sees: bool) -> None:
    row = made.taken(around)
    people = {"mediator": around.mediator, "circle mediator": around.circle_mediator}
    client = client_of(people.get(who) or around.world.user(who))
    assert (row.number in page(client, LIST)) is sees
    assert client.get(of(row)).status_code == (200 if sees else 302)


@pytest.mark.parametrize("who", ["admin", "worker-01-1"])
def test_administrators_and_grid_workers_have_no_such_pages(around: Place, who: str) -> None:
    row = made.taken(around)
    user = around.world.worker(1, 1) if who.startswith("worker") else around.world.user(who)
    client = client_of(user)
    for path in (LIST, of(row), DESK, FIGURES, f"{LIST}add/", f"{LIST}shops/?q=店", act(row, "settle")):
        assert client.get(path).status_code == 403, path


def test_the_consumer_is_masked_everywhere_until_a_handler_states_his_reason(around: Place) -> None:
    row = made.taken(around)
    client = client_of(around.mediator)
    for path in (LIST, of(row), DESK, act(row, "settle"), "/admin/"):
        html = page(client, path)
        assert NAME not in html, path
        assert PHONE not in html, path
    sheet = client.get(f"{LIST}?_export=xlsx").content
    cells = [
        str(c)
        for line in CalamineWorkbook.from_filelike(io.BytesIO(sheet)).get_sheet_by_index(0).to_python()
        for c in line
    ]
    assert row.number in cells
    assert not any(PHONE in c or NAME in c for c in cells)
    refused = client.post(f"{LIST}{row.pk}/reveal/", {"reason": "看"})
    assert refused.status_code in (409, 422)
    assert PHONE not in refused.content.decode()
    shown = client.post(f"{LIST}{row.pk}/reveal/", {"reason": "电话通知调解时间"})
    assert PHONE in shown.content.decode()
    assert NAME in shown.content.decode()
    assert "no-store" in shown["Cache-Control"]
    assert Entry.objects.filter(stream=row.stream, kind="consumer.revealed").count() == 1
    other = client_of(around.world.user("bureau")).post(f"{LIST}{row.pk}/reveal/", {"reason": "了解一下情况"})
    assert PHONE not in other.content.decode()


def test_the_auditor_is_offered_nothing_and_may_do_nothing(around: Place) -> None:
    row = made.taken(around, description="店家电话 13812345678")
    client = client_of(around.world.user("auditor"))
    html = page(client, of(row))
    assert "/act/" not in html
    assert "13812345678" not in html
    assert send(client, row, "settle").status_code == 302
    row.refresh_from_db()
    assert row.state == "negotiating"


# --- pages are whole, Chinese and cheap ------------------------------------------------------------


def everything(around: Place) -> list[Dispute]:
    """Disputes in every state."""
    makers = (made.taken, made.in_circle, made.in_community, made.settled, made.filed, made.accepted,
              made.refused, made.not_reached, made.withdrawn, made.agreed, made.performed)  # fmt: skip
    return [maker(around) for maker in makers]


def test_pages_of_every_state_are_whole_and_chinese(around: Place) -> None:
    rows = everything(around)
    asked: set[str] = set()
    for who in (around.mediator, around.clerk):
        client = client_of(who)
        for row in rows:
            answer = client.get(of(row))
            if answer.status_code == 302:
                continue
            html = answer.content.decode()
            assert english_in(CODE.sub("", html), allowed=ALLOWED) == [], row.state
            assert "其他记录" not in html, row.state
            for key in set(re.findall(rf"/dispute/{row.pk}/act/([\w-]+)/", html)) - asked:
                asked.add(key)
                form = page(client, act(row, key))
                assert english_in(CODE.sub("", form), allowed=ALLOWED) == [], key
    for path in (LIST, DESK, FIGURES, f"{LIST}add/", f"{LIST}?q=没有这样的店"):
        html = page(client_of(around.mediator), path)
        assert english_in(CODE.sub("", html), allowed=ALLOWED) == [], path
    assert "没有符合条件的纠纷" in html


def test_the_path_is_drawn_as_far_as_it_came(around: Place) -> None:
    html = page(client_of(around.world.user("bureau")), of(made.in_community(around)))
    steps = re.findall(r"dispute-step-(\w+)", html)
    assert steps == ["done", "done", "here", "ahead"]
    assert "小事不出店" in html
    assert "难事不出社区" in html


def statements(client: Client, path: str) -> int:
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page(client, path)
    return len(asked)


@pytest.mark.parametrize(("path", "most"), [(LIST, 16), (DESK, 14), (FIGURES, 18)])
def test_a_full_list_costs_no_more_statements(around: Place, path: str, most: int) -> None:
    client = client_of(around.mediator)
    made.agreed(around)
    few = statements(client, path)
    for _ in range(4):
        made.taken(around)
    made.agreed(around)
    assert statements(client, path) <= few <= most


def test_the_page_of_a_dispute_costs_a_fixed_number(around: Place) -> None:
    client = client_of(around.mediator)
    row = made.agreed(around)
    assert statements(client, of(row)) <= 30


def test_filters_search_and_overdue(around: Place) -> None:
    first, second = made.taken(around), made.taken(around, goods="冰箱", goods_kind="APPLIANCE")
    client = client_of(around.mediator)
    for query, shows in (
        ("goods_kind=APPLIANCE", second),
        ("q=冰箱", second),
        (f"q={first.number}", first),
    ):
        html = page(client, f"{LIST}?{query}")
        other = first if shows is second else second
        assert shows.number in html, query
        assert other.number not in html, query
    for query in (
        "progress=overdue",
        "tier=CIRCLE",
        "state=settled",
        "source=DOOR",
        "registered_at_from=2030-01-01",
    ):
        assert first.number not in page(client, f"{LIST}?{query}"), query
    assert first.number in page(client, f"{LIST}?station={around.station.code}&progress=open")


# --- acts ------------------------------------------------------------------------------------------


def test_a_stale_page_is_refused_in_a_clear_sentence_and_nothing_is_lost(around: Place) -> None:
    row = made.taken(around)
    client = client_of(around.mediator)
    version = row.version
    send(client, row, "book", **booking(around))
    answer = client.post(act(row, "settle"), {"version": version, "note": "商家同意退款399元"})
    html = answer.content.decode()
    assert answer.status_code == 412
    assert "有了变化" in html
    assert "商家同意退款399元" in html
    row.refresh_from_db()
    assert f'name="version" value="{row.version}"' in html
    assert send(client, row, "settle", note="商家同意退款399元").status_code == 302
    row.refresh_from_db()
    assert row.outcome == "ON_THE_SPOT"


def booking(around: Place, hours: int = 2) -> dict[str, Any]:
    starts = clock.now() + timedelta(hours=hours)
    local = starts.astimezone(clock.SHANGHAI)
    return {
        "client_uid": str(uuid.uuid4()),
        "mediator": around.mediator.pk,
        "place": "SHOP",
        "starts_at": local.strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (local + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "note": "请带小票",
    }


def test_a_session_is_booked_shown_on_the_desk_and_held(around: Place) -> None:
    row = made.taken(around)
    client = client_of(around.mediator)
    assert send(client, row, "book", **booking(around)).status_code == 302
    session = Session.objects.get(dispute=row)
    assert row.entity_name in page(client, DESK).split('id="waiting"')[0]
    hold = f"{LIST}{row.pk}/session/{session.pk}/hold/"
    assert client.get(hold).status_code == 200
    row.refresh_from_db()
    early = client.post(hold, {"version": row.version, "minutes": "双方陈述"})
    assert early.status_code == 409
    assert "尚未开始" in early.content.decode()
    clock.travel(timedelta(hours=2, minutes=5))
    done = client.post(hold, {"version": row.version, "minutes": "双方陈述", "consumer_came": "on"})
    assert done.status_code == 302
    session.refresh_from_db()
    assert (session.state, session.consumer_came, session.shop_came) == ("held", True, False)


def url_of(image: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(image).decode()


def agreeing(**fields: Any) -> dict[str, Any]:
    return {
        "client_uid": str(uuid.uuid4()),
        "terms": "商家三日内退款399元，消费者退回大衣。",
        "amount": "399.00",
        "perform_by": (clock.today() + timedelta(days=3)).isoformat(),
        "consumer": url_of(made.signature("a")),
        "shop": url_of(made.signature("b")),
        "mediator": "",
        **fields,
    }


def test_an_agreement_is_signed_printed_and_performed(around: Place) -> None:
    row = made.taken(around)
    client = client_of(around.mediator)
    preview = client.post(
        f"{LIST}{row.pk}/agreement/preview/", agreeing(consumer="", shop="", version=row.version)
    )
    assert preview.content.startswith(b"%PDF")
    assert "no-store" in preview["Cache-Control"]
    unsigned = send(client, row, "agree", **agreeing(shop=""))
    assert unsigned.status_code in (409, 422)
    html = unsigned.content.decode()
    assert "经营者签名后再提交" in html
    assert url_of(made.signature("a")) in html
    assert "退回大衣" in html
    assert send(client, row, "agree", **agreeing(shop="data:image/png;base64,!!")).status_code == 400
    given = agreeing()
    assert send(client, row, "agree", **given).status_code == 302
    assert send(client, row, "agree", **given).status_code == 302, "sent twice is one"
    agreement = Agreement.objects.get(dispute=row)
    for kind, begin in (("pdf", b"%PDF"), ("docx", b"PK")):
        paper = client.get(f"{LIST}{row.pk}/agreement/{agreement.pk}.{kind}")
        assert paper.content.startswith(begin)
    assert "登记未履行" not in page(client, of(row))
    assert send(client, row, "perform", note="已退款").status_code == 302
    row.refresh_from_db()
    assert row.state == "performed"


def test_a_broken_promise_waits_on_the_desk_and_goes_up(around: Place) -> None:
    row = made.agreed(around)
    client = client_of(around.mediator)
    clock.travel(timedelta(days=5))
    assert "协议到期，待核实履行" in page(client, DESK)
    assert send(client, row, "broken", note="").status_code == 400
    assert send(client, row, "broken", note="商家未退款").status_code == 302
    row.refresh_from_db()
    assert row.tier == "CIRCLE"


def test_the_office_decides_on_every_condition_or_from_the_list(around: Place) -> None:
    row = made.filed(around)
    clerk = client_of(around.clerk)
    assert row.entity_name in page(clerk, DESK).split('id="decide"')[1]
    some = send(clerk, row, "accept", conditions=["identified"])
    assert "尚缺" in some.content.decode()
    assert some.status_code in (409, 422)
    assert send(clerk, row, "accept", conditions=list(official.CONDITIONS)).status_code == 302
    assert send(clerk, row, "testing", kind="DETECTION", institution="市检测院").status_code == 302
    assert send(clerk, row, "testing-end", result="含绒量不足").status_code == 302
    other = made.filed(around)
    bare = send(clerk, other, "refuse", ground="OTHER_LAW")
    assert "法律、法规" in bare.content.decode()
    assert send(clerk, other, "refuse", ground="THREE_YEARS").status_code == 302
    other.refresh_from_db()
    assert other.state == "refused"
    mediator = send(client_of(around.mediator), row, "accept", conditions=list(official.CONDITIONS))
    assert mediator.status_code == 403


def test_every_other_act_by_its_form(around: Place) -> None:
    client = client_of(around.mediator)
    up, out, back, word, hint = (made.taken(around) for _ in range(5))
    assert send(client, up, "escalate", note="消费者请求商圈调解").status_code == 302
    assert send(client, out, "fail", reason="NO_AGREEMENT", note="各执一词").status_code == 302
    assert send(client, back, "withdraw", reason="SOLVED").status_code == 302
    assert send(client, word, "to-official", way="TELEPHONE").status_code == 302
    lead = {"client_uid": str(uuid.uuid4()), "category": "F03", "description": "疑似销售过期食品"}
    assert send(client, hint, "lead", **lead).status_code == 302
    assert send(client, hint, "lead", **lead).status_code == 302
    found = [Dispute.objects.get(pk=one.pk) for one in (up, out, back, word, hint)]
    assert [one.state for one in found] == ["mediating", "not_reached", "withdrawn", "filed", "negotiating"]
    assert hint.leads.count() == 1


def test_a_survey_by_telephone_is_offered_to_somebody_uninvolved(around: Place) -> None:
    row = made.settled(around)
    assert "登记电话回访" not in page(client_of(around.mediator), of(row))
    clerk = client_of(around.clerk)
    assert "登记电话回访" in page(clerk, of(row))
    assert send(clerk, row, "survey", rating="satisfied", comment="处理得快").status_code == 302
    assert "处理得快" in page(clerk, of(row))


# --- stations, circles, complaints -----------------------------------------------------------------


def test_stations_are_kept_by_the_bureau_and_its_section_only(around: Place) -> None:
    path = f"/admin/stations/station/{around.station.pk}/change/"
    fields = {
        "name": around.station.name, "community": around.station.community_id, "grid": "", "complex_name": "",
        "address": "新路1号", "telephone": "0538-3000000", "lon": "", "lat": "", "is_active": "on",
        "hours-TOTAL_FORMS": "1", "hours-INITIAL_FORMS": "0", "hours-MIN_NUM_FORMS": "0",
        "hours-MAX_NUM_FORMS": "1000", "hours-0-weekday": "1", "hours-0-opens_at": "08:30",
        "hours-0-closes_at": "17:30", "hours-0-id": "", "hours-0-station": around.station.pk,
    }  # fmt: skip
    assert client_of(around.mediator).post(path, fields).status_code == 403
    section = client_of(around.section)
    answer = section.post(path, fields)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    around.station.refresh_from_db()
    assert around.station.telephone == "0538-3000000"
    kinds = set(Entry.objects.filter(stream=f"station:{around.station.pk}").values_list("kind", flat=True))
    assert kinds == {"changed", "station.hours_changed"}
    assert "周一 08:30—17:30" in page(client_of(around.mediator), "/admin/stations/station/")
    poster = page(client_of(around.mediator), f"/admin/stations/station/{around.station.pk}/poster/")
    assert "<svg" in poster
    assert "0538-3000000" in poster


def test_shops_join_and_leave_a_circle(around: Place, world: World) -> None:
    from tests.factories.grids import make_entity

    shop = make_entity(world, 1, name="测试新店铺")
    circle: Station = around.circle  # type: ignore[assignment]
    client = client_of(around.circle_mediator)  # type: ignore[arg-type]
    add = "/admin/stations/circleshop/add/"
    wrong = client.post(add, {"station": circle.code, "entity": "没有这家"})
    assert "没有找到这家店铺" in wrong.content.decode()
    since = clock.today() - timedelta(days=2)
    assert client.post(add, {"station": circle.code, "entity": shop.name, "since": since}).status_code == 302
    row = CircleShop.objects.get(entity=shop)
    assert shop.name in page(client, "/admin/stations/circleshop/")
    leave = f"/admin/stations/circleshop/{row.pk}/leave/"
    assert client.post(leave, {"until": ""}).status_code == 302
    row.refresh_from_db()
    assert row.until == clock.today()
    kinds = Entry.objects.filter(stream=f"circle_shop:{row.pk}").values_list("kind", flat=True)
    assert set(kinds) == {"circle.shop_joined", "circle.shop_left"}
    assert shop.name not in page(client_of(around.mediator), "/admin/stations/circleshop/")


def test_figures_tell_rates_of_nothing_as_such_and_are_exported(around: Place) -> None:
    client = client_of(around.mediator)
    assert "—" in page(client, FIGURES)
    made.settled(around)
    made.not_reached(around)
    html = page(client, f"{FIGURES}?station={around.station.code}")
    assert "50.0%" in html
    assert "n=2" in html
    assert "<svg" in html
    assert page(client, f"{FIGURES}?since=x&until=9999-01-01&station=%00")
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{FIGURES}?_export=xlsx").content))
    assert book.sheet_names == ["主要指标", "各层级", "商品或服务", "纠纷集中店铺"]


def test_a_shop_shows_its_disputes_to_who_may_see_them(around: Place) -> None:
    row = made.taken(around)
    path = f"/admin/grids/businessentity/{around.shop.pk}/change/"
    assert path in page(client_of(around.clerk), of(row))
    assert path not in page(client_of(around.mediator), of(row)), "which he could not open"
    assert row.number in page(client_of(around.clerk), path)
    assert row.number not in page(client_of(around.world.commissioner(1)), path)


def test_the_front_page_of_a_mediator_is_his_stations_desk(around: Place) -> None:
    row = made.taken(around)
    html = page(client_of(around.mediator), "/admin/")
    assert around.station.name in html
    assert row.number in html
    assert 'id="take-dispute"' in html
    assert 'id="take-dispute"' not in page(client_of(around.clerk), "/admin/")


# --- putting right ---------------------------------------------------------------------------------


def test_a_typed_shop_is_found_in_the_register(around: Place) -> None:
    row = made.taken(around, entity_name="大衣店", entity_id=None)
    client = client_of(around.again(around.mediator))
    shown = page(client, act(row, "correct"))
    assert "羊绒大衣" in shown, "as it stands to begin with"
    told = {"goods": "羽绒服", "goods_kind": "CLOTHING", "claims": ["REFUND"], "amount": "500"}
    wrong = send(client, row, "correct", **told, register_code="NOSUCHCODE")
    assert wrong.status_code == 400
    assert "登记册中没有这个编码" in wrong.content.decode()
    assert "羽绒服" in wrong.content.decode(), "nothing that was written is lost"
    done = send(client, row, "correct", **told, register_code=around.shop.code.lower())
    assert done.status_code == 302
    row.refresh_from_db()
    assert (row.entity, row.goods, row.circle) == (around.shop, "羽绒服", around.circle)
    assert row.amount == 500
    stale = client.post(act(row, "correct"), {"version": row.version - 1, **told, "goods": "别的"})
    assert stale.status_code == 412
