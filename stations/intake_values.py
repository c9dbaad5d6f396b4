"""What is entered when a dispute is taken: values, what makes two of them the same, and what is refused."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from kernel.accounts.masking import plain_digits
from kernel.errors import DomainError, Malformed, Refused
from leads import identity, snapshots
from stations.models import Claim, GoodsKind

PHONE = re.compile(r"[0-9+() -]{7,20}")
LONGEST_NAME, LONGEST_SHOP, LONGEST_GOODS, LONGEST_DESCRIPTION = 30, 120, 60, 2000
MOST = Decimal("9999999999.99")
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One dispute as it was told. `entity_id` names a shop of the register, else `entity_name` does.

    `amount` in yuan; `bought_on` a Shanghai day; `evidence` numbers of files, `awaited` hashes of files still
    to come. `wants_official`: should it come to nothing, the consumer wants it to go to 12315. Without
    `station_code` it is taken where the person who enters it sits.
    """

    client_uid: uuid.UUID
    goods: str
    goods_kind: str
    claims: tuple[str, ...]
    phone: str = field(repr=False)
    name: str = field(default="", repr=False)
    station_code: str | None = None
    entity_id: int | None = None
    entity_name: str = ""
    amount: Decimal | None = None
    description: str = field(default="", repr=False)
    bought_on: date | None = None
    evidence: tuple[int, ...] = ()
    awaited: tuple[str, ...] = ()
    wants_official: bool = False
    settled_at_once: bool = False

    def tidy(self) -> Given:
        """The same without blanks around the words, the telephone in half-width digits, each claim once."""
        words = {
            name: getattr(self, name).strip() for name in ("goods", "name", "entity_name", "description")
        }
        phone = plain_digits(self.phone).strip()
        return replace(self, **words, phone=phone, claims=tuple(dict.fromkeys(self.claims)))

    def digest(self) -> str:
        """What makes two intakes the same. The consumer enters it as a keyed hash only."""
        amount = None if self.amount is None else f"{self.amount:.2f}"
        return snapshots.sha256(
            [
                [self.station_code, self.entity_id, self.entity_name],
                [self.goods, str(self.goods_kind), sorted(map(str, self.claims)), amount],
                [self.description, self.bought_on],
                identity.fingerprint(name=self.name, phone=self.phone),
                [sorted(self.evidence), sorted(self.awaited)],
                [self.wants_official, self.settled_at_once],
            ]
        )


def refuse(given: Given, *, today: date) -> None:
    """Raise the first thing that is wrong with a tidy `given`, as a sentence with the field at fault.

    Raises:
        Refused: `shop_required`, `goods_required`, `claim_required`, `phone_required`, `not_yet`.
        Malformed: `too_long`, `invalid_choice`, `invalid_amount`, `invalid_phone`, `nul`.
    """
    for wrong in _faults(given, today):
        raise wrong


def _faults(given: Given, today: date) -> Sequence[DomainError]:
    found: list[DomainError] = []
    if given.entity_id is None and not given.entity_name:
        found.append(Refused("请选择或填写店铺名称。", code="shop_required", attr="entity_name"))
    if not given.goods:
        found.append(Refused("请填写购买的商品或服务。", code="goods_required", attr="goods"))
    if not given.claims:
        found.append(Refused("请至少选择一项诉求。", code="claim_required", attr="claims"))
    found += _wrong_choices(given)
    found += _wrong_phone(given.phone)
    if given.bought_on is not None and given.bought_on > today:
        found.append(Refused("消费日期不能晚于今天。", code="not_yet", attr="bought_on"))
    amount = given.amount
    if amount is not None and not _is_money(amount):
        words = "金额应为不小于0、最多两位小数的数字（元）。"
        found.append(Malformed(words, code="invalid_amount", attr="amount"))
    return found + _wrong_lengths(given)


def _is_money(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount <= MOST and amount == amount.quantize(CENT)


def _wrong_choices(given: Given) -> list[DomainError]:
    found: list[DomainError] = []
    if given.goods_kind not in GoodsKind.values:
        found.append(Malformed("请选择商品或服务的类别。", code="invalid_choice", attr="goods_kind"))
    if not set(given.claims) <= set(Claim.values):
        found.append(Malformed("诉求不在可选范围内。", code="invalid_choice", attr="claims"))
    return found


def _wrong_phone(phone: str) -> list[DomainError]:
    if not phone:
        return [Refused("请填写消费者的联系电话。", code="phone_required", attr="phone")]
    digits = sum(letter.isdigit() for letter in phone)
    if PHONE.fullmatch(phone) is None or digits < 7:
        return [Malformed("请填写正确的联系电话。", code="invalid_phone", attr="phone")]
    return []


def _wrong_lengths(given: Given) -> list[DomainError]:
    found: list[DomainError] = []
    for attr, label, longest in (
        ("name", "姓名", LONGEST_NAME),
        ("entity_name", "店铺名称", LONGEST_SHOP),
        ("goods", "商品或服务", LONGEST_GOODS),
        ("description", "纠纷情况", LONGEST_DESCRIPTION),
    ):
        words = getattr(given, attr)
        if len(words) > longest:
            found.append(Malformed(f"{label}请控制在{longest}字以内。", code="too_long", attr=attr))
        if "\x00" in words:
            found.append(Malformed(f"{label}中有无法识别的字符。", code="nul", attr=attr))
    return found
