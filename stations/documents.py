"""调解协议书 on paper: as PDF (typst) and as .docx (a Word form that an office may edit), DESIGN.md §9.

Both are made from what was signed (`agreements.opened`), never from the present rows: a paper of today says
what the parties signed then. Each paper leaves a line in the dispute's journal, since it names the consumer.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from kernel.accounts.models import User
from kernel.errors import NotAllowed, NotVisible
from kernel.evidence import lettering
from stations import acts, agreements
from stations.acts import Act, handler_seat, office_seat
from stations.agreements import Terms
from stations.models import Agreement, Party

if TYPE_CHECKING:
    from docxtpl import DocxTemplate, InlineImage

PAPERS = Path(__file__).parent / "papers"
TITLE = "消费纠纷调解协议书"
UNKNOWN = "没有找到这份协议，或者您无权查看。"
NOTHING = "（无）"
WORD_LINE_MM = (40, 16)
"""Room above the line of a signature in the Word form: width and height."""
DIGITS = "零壹贰叁肆伍陆柒捌玖"
UNITS = ("", "拾", "佰", "仟")
GROUPS = ("", "万", "亿", "万亿")


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper: every word that stands on it, and the drawn signatures as PNG, by party."""

    shown: Mapping[str, Any]
    images: Mapping[Party, bytes] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a downloaded file is called, without its ending."""
        return f"{TITLE}{self.shown['number']}"


# --- whose paper -----------------------------------------------------------------------------------


def printed(*, agreement_id: int, by: User) -> Paper:
    """The paper of a signed agreement, for who handles the dispute, its office, and the mediator who signed.

    Raises: NotVisible; NotAllowed `not_handler`; Conflict `seal_broken`; Busy.
    """
    row = Agreement.objects.select_related("dispute").filter(pk=min(agreement_id, acts.BIGGEST)).first()
    if row is None:
        raise NotVisible(UNKNOWN)

    def work(act: Act) -> Paper:
        may = handler_seat(act.scope, act.dispute) or office_seat(act.scope, act.dispute)
        if act.scope.is_auditor or (may is None and row.mediator_id != by.pk):
            raise NotAllowed("协议书由承办人员打印。", code="not_handler")
        act.note("agreement.printed", {"agreement": row.number})
        return _paper(agreements.opened(row), agreements.images_of(row), row.digest)

    return acts.perform(row.dispute_id, by, work)


def draft(*, dispute_id: int, by: User, given: Terms) -> Paper:
    """What the parties read before they sign: the same paper, marked 草稿. Keeps nothing but a journal line.

    Raises: NotVisible; NotAllowed `not_handler`; Conflict `no_consumer`; Busy.
    """

    def work(act: Act) -> Paper:
        act.as_handler()
        said = agreements.content(act, given, f"{act.dispute.number}-{act.dispute.cycle}", {})
        act.note("agreement.previewed")
        return _paper(said, {}, "")

    return acts.perform(dispute_id, by, work)


def _paper(said: Mapping[str, Any], images: Mapping[Party, bytes], digest: str) -> Paper:
    signed_on = date.fromisoformat(said["signed_on"])
    footer = f"签署内容校验值（SHA-256）：{digest}" if digest else "本页为签署前的草稿"
    shown = {
        "title": TITLE,
        "number": said["number"],
        "draft": not digest,
        "dispute": said["dispute"],
        "station": said["station"]["name"],
        "consumer": said["consumer"]["name"],
        "phone": said["consumer"]["phone"] or NOTHING,
        "shop": said["shop"]["name"],
        "code": said["shop"]["code"] or NOTHING,
        "address": said["shop"]["address"] or NOTHING,
        "goods": said["goods"],
        "disputed": _money(said["disputed_amount"]),
        "claims": "、".join(said["claims"]),
        "facts": said["facts"] or NOTHING,
        "terms": said["terms"],
        "giving": _giving(said["amount"], date.fromisoformat(said["perform_by"])),
        "sentence": said["sentence"],
        "mediator": said["mediator"],
        "signed_on": day(signed_on),
        "footer": footer,
    }
    return Paper(shown, images)


def day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"


def _money(amount: str | None) -> str:
    return NOTHING if amount is None else f"人民币{Decimal(amount):,.2f}元"


def _giving(amount: str | None, perform_by: date) -> str:
    until = f"于{day(perform_by)}前（含当日）履行完毕。"
    if amount is None or not Decimal(amount):
        return until
    value = Decimal(amount)
    return f"给付金额：人民币{value:,.2f}元（大写：{in_words(value)}）。{until}"


def in_words(amount: Decimal) -> str:
    """An amount of money in capital Chinese figures, as contracts write it: 叁佰玖拾玖元伍角整.

    `amount` in yuan, not negative, at most two decimals and below 10^16.
    """
    whole, cents = divmod(int((amount * 100).to_integral_value()), 100)
    tenths, hundredths = divmod(cents, 10)
    yuan = f"{_whole(whole)}元" if whole else ""
    if not cents:
        return f"{yuan or '零元'}整"
    rest = f"{DIGITS[tenths]}角" if tenths else ("零" if whole else "")
    return yuan + rest + (f"{DIGITS[hundredths]}分" if hundredths else "整")


def _whole(number: int) -> str:
    """Groups of four digits; one 零 for a gap between what is written: 100050 → 壹拾万零伍拾."""
    groups = []
    while number:
        number, last = divmod(number, 10_000)
        groups.append(last)
    found = ""
    for place in reversed(range(len(groups))):
        if groups[place]:
            found += ("零" if found and groups[place] < 1000 else "") + _four(groups[place]) + GROUPS[place]
    return found


def _four(value: int) -> str:
    """Up to four digits: 1005 → 壹仟零伍."""
    found, gap = "", False
    for place in (3, 2, 1, 0):
        digit = value // 10**place % 10
        if not digit:
            gap = bool(found)
            continue
        found += ("零" if gap else "") + DIGITS[digit] + UNITS[place]
        gap = False
    return found


# --- forms -----------------------------------------------------------------------------------------


def pdf(paper: Paper) -> bytes:
    """A4, with the used part of the Chinese font embedded: it reads the same on every machine."""
    import typst  # as docxtpl below: only where a paper is made

    with tempfile.TemporaryDirectory(prefix="suoshe-paper-") as folder:
        inside = Path(folder)
        files = {party.value: f"{party.value.lower()}.png" for party in paper.images}
        for party, image in paper.images.items():
            (inside / files[party.value]).write_bytes(image)
        images = {party.value: files.get(party.value, "") for party in Party}
        said = json.dumps({**paper.shown, "images": images}, ensure_ascii=False)
        (inside / "paper.json").write_text(said, encoding="utf-8")
        form = inside / "agreement.typ"
        form.write_bytes((PAPERS / "agreement.typ").read_bytes())
        fonts = [str(path) for path in lettering.folders()]
        made = typst.compile(str(form), root=folder, font_paths=fonts, ignore_system_fonts=True)
    return bytes(made)


def docx(paper: Paper) -> bytes:
    """The same as a Word file, from the form `papers/agreement.docx`; what people wrote is escaped."""
    from docxtpl import DocxTemplate

    form = DocxTemplate(PAPERS / "agreement.docx")
    drawn = {
        f"sign_{party.value.lower()}": _inline(form, paper.images[party]) if party in paper.images else ""
        for party in Party
    }
    form.render({**paper.shown, **drawn}, autoescape=True)
    made = io.BytesIO()
    form.save(made)
    return made.getvalue()


def _inline(form: DocxTemplate, image: bytes) -> InlineImage:
    """A signature that fits above its line."""
    from docx.shared import Mm
    from docxtpl import InlineImage

    with Image.open(io.BytesIO(image)) as opened:
        wide, high = opened.size
    height = min(WORD_LINE_MM[1], WORD_LINE_MM[0] * high / wide)
    return InlineImage(form, io.BytesIO(image), height=Mm(height))
