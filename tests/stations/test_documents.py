"""调解协议书: the PDF and the Word file open, hold the right values, and carry their fonts."""

from __future__ import annotations

import io
import itertools
import zipfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import docx
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kernel.errors import NotAllowed, NotVisible
from kernel.evidence import lettering
from kernel.journal.models import Entry
from stations import agreements, documents
from stations.agreements import Terms
from stations.documents import Paper
from stations.models import Agreement, Party
from tests.factories import stations as made
from tests.factories.leads import TUESDAY, take_any
from tests.factories.stations import Place

WORDS = {
    "0": "零元整",
    "0.05": "伍分",
    "0.5": "伍角整",
    "0.55": "伍角伍分",
    "1": "壹元整",
    "10": "壹拾元整",
    "10.05": "壹拾元零伍分",
    "105": "壹佰零伍元整",
    "399": "叁佰玖拾玖元整",
    "399.5": "叁佰玖拾玖元伍角整",
    "1005": "壹仟零伍元整",
    "1010": "壹仟零壹拾元整",
    "10005": "壹万零伍元整",
    "100050": "壹拾万零伍拾元整",
    "1000000": "壹佰万元整",
    "10010000": "壹仟零壹万元整",
    "100000000": "壹亿元整",
    "120000005.30": "壹亿贰仟万零伍元叁角整",
}
SENTENCE = "本协议系双方自愿达成，内容无误，双方按约履行；调解员见证签署。"
TERMS = "1. 店家退还货款399元；\n2. 消费者退回大衣 <b>&{{ x }}{% y %}。"


@pytest.mark.parametrize(("amount", "words"), WORDS.items())
def test_money_in_capital_figures(amount: str, words: str) -> None:
    assert documents.in_words(Decimal(amount)) == words


@given(st.decimals(0, 10**10, places=2))
def test_the_words_say_the_amount(amount: Decimal) -> None:
    assert _read_back(documents.in_words(amount)) == amount


def _read_back(words: str) -> Decimal:
    """Read capital figures as a cashier does."""
    units = {"拾": 10, "佰": 100, "仟": 1000}
    groups = {"万": 10**4, "亿": 10**8, "元": 1}
    parts = {"角": Decimal("0.1"), "分": Decimal("0.01")}
    total, group, digit = Decimal(0), 0, 0
    for sign in words.removesuffix("整"):
        if sign in documents.DIGITS:
            digit = documents.DIGITS.index(sign)
            continue
        if sign in units:
            group += digit * units[sign]
        elif sign in groups:
            total, group = total + (group + digit) * groups[sign], 0
        else:
            total += digit * parts[sign]
        digit = 0
    return total


# --- the papers ------------------------------------------------------------------------------------


@pytest.fixture
def signed(around: Place) -> Agreement:
    row = made.in_community(around)
    return agreements.agree(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        expect=take_any,
        client_uid=row.client_uid,
        given=Terms(TERMS, TUESDAY.date() + timedelta(days=3), Decimal("399")),
        signatures={party: made.signature(party) for party in (Party.CONSUMER, Party.SHOP)},
    )


@pytest.fixture
def paper(signed: Agreement, around: Place) -> Paper:
    return documents.printed(agreement_id=signed.pk, by=around.again(around.mediator))


def expected(signed: Agreement, around: Place) -> list[str]:
    return [
        "消费纠纷调解协议书",
        signed.number,
        signed.dispute.number,
        made.NAME,
        made.PHONE,
        around.shop.name,
        "羊绒大衣",
        "人民币399.00元（大写：叁佰玖拾玖元整）",
        "2026年3月13日前（含当日）",
        "2. 消费者退回大衣 <b>&{{ x }}{% y %}。",
        SENTENCE,
        around.mediator.name,
        "2026年3月10日",
        signed.digest,
    ]


@pytest.mark.django_db
def test_the_pdf_says_what_was_signed(signed: Agreement, around: Place, paper: Paper) -> None:
    found = pypdfium2.PdfDocument(documents.pdf(paper))
    try:
        assert len(found) == 1
        text = _plain(found[0].get_textpage().get_text_bounded())
        for words in expected(signed, around):
            assert _plain(words) in text, words
        picture = found[0].render(scale=2).to_pil().convert("L")
    finally:
        found.close()
    assert _ink(picture, (0.15, 0.62, 0.85, 0.75)) > 1500, "the drawn signatures stand on it"


@pytest.mark.django_db
def test_the_pdf_embeds_its_chinese_font(paper: Paper, monkeypatch: pytest.MonkeyPatch) -> None:
    for folders in (lettering.folders(), [lettering.SHIPPED.parent]):
        monkeypatch.setattr(lettering, "folders", lambda found=folders: found)
        made_here = documents.pdf(paper)
        assert b"NotoSansCJKsc" in made_here, "the shipped subset serves where no font is installed"
        assert b"/FontFile3" in made_here


@pytest.mark.django_db
def test_the_word_file_says_the_same(signed: Agreement, around: Place, paper: Paper) -> None:
    content = documents.docx(paper)
    opened = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    lines = [one.text for one in opened.paragraphs]
    footer = [one.text for one in opened.sections[0].footer.paragraphs]
    text = _plain("".join(itertools.chain(cells, lines, footer)))
    for words in expected(signed, around):
        assert _plain(words) in text, words
    assert len(opened.inline_shapes) == 2, "both drawn signatures"
    with zipfile.ZipFile(io.BytesIO(content)) as inside:
        styles = inside.read("word/styles.xml").decode()
    assert 'w:eastAsia="Noto Sans CJK SC"' in styles


@pytest.mark.django_db
def test_a_draft_is_marked_and_unsigned(around: Place) -> None:
    row = made.in_community(around)
    draft = documents.draft(
        dispute_id=row.pk,
        by=around.again(around.mediator),
        given=Terms("退款", TUESDAY.date() + timedelta(days=3)),
    )
    found = pypdfium2.PdfDocument(documents.pdf(draft))
    try:
        text = _plain(found[0].get_textpage().get_text_bounded())
    finally:
        found.close()
    assert "草稿，未签署，不具有效力" in text
    assert "未签署" in "".join(
        one.text for one in docx.Document(io.BytesIO(documents.docx(draft))).paragraphs
    )
    assert not Agreement.objects.exists()


@pytest.mark.django_db
def test_each_paper_leaves_a_line_and_is_for_handlers_only(signed: Agreement, around: Place) -> None:
    documents.printed(agreement_id=signed.pk, by=around.again(around.mediator))
    kinds = Entry.objects.filter(stream=signed.dispute.stream).values_list("kind", flat=True)
    assert "agreement.printed" in set(kinds)
    auditor = around.world.user("auditor")
    with pytest.raises(NotAllowed):
        documents.printed(agreement_id=signed.pk, by=auditor)
    stranger = made.place(around.world, 9).mediator
    with pytest.raises(NotVisible):
        documents.printed(agreement_id=signed.pk, by=stranger)
    with pytest.raises(NotVisible):
        documents.printed(agreement_id=2**62, by=around.again(around.mediator))


def test_the_forms_are_there() -> None:
    assert {path.name for path in Path(documents.PAPERS).iterdir()} >= {"agreement.typ", "agreement.docx"}


def _plain(text: str) -> str:
    return "".join(text.split())


def _ink(picture: Image.Image, part: tuple[float, float, float, float]) -> int:
    wide, high = picture.size
    box = (int(part[0] * wide), int(part[1] * high), int(part[2] * wide), int(part[3] * high))
    return sum(picture.crop(box).histogram()[:100])
