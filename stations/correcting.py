"""Setting right what was written down of a dispute: which shop of the register, what goods, how much.

A shop that was typed by name is linked to the register; a platform's complaint names its goods. Never the
consumer's words: those stay as they were told. What was signed is not touched: an agreement has its own copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from grids.models import BusinessEntity
from kernel.accounts.models import User
from kernel.clock import local_date
from kernel.errors import Conflict, Refused
from stations import consumers, hot_shops, placing
from stations.acts import BIGGEST, Act, Expect, perform
from stations.models import Claim, Dispute, GoodsKind
from stations.states import OPEN, State, Tier

MOST_YUAN = Decimal("9999999999.99")
CHANGEABLE = ("entity", "goods", "goods_kind", "amount", "claims", "bought_on")


def correct(*, dispute_id: int, by: User, expect: Expect, changes: Mapping[str, Any]) -> Dispute:
    """Change some of `CHANGEABLE` (`entity`: a number of the register) of an open dispute. What is so already
    changes nothing, so it may be repeated.

    Linking the shop finds circle and office anew, as long as the dispute is on its first tier; a dispute that
    the office has keeps its office.

    Raises:
        NotVisible; NotAllowed `not_handler`; StaleVersion / VersionRequired; Conflict `wrong_state`; Refused
        `unknown_entity`, `bad_amount`, `bad_day`, `claims_required`, `goods_required`; Busy.
    """

    def work(act: Act) -> Dispute:
        act.as_handler()
        dispute = act.dispute
        wanted = _wanted(act, changes)
        moved = {name: value for name, value in wanted.items() if getattr(dispute, name) != value}
        if not moved:
            return dispute
        expect(dispute.version)
        if dispute.state not in OPEN or dispute.state == State.AGREED:
            raise Conflict("纠纷已办结或已签协议，登记内容不能再改。", code="wrong_state")
        before = {name: _shown(getattr(dispute, name)) for name in moved}
        for name, value in moved.items():
            setattr(dispute, name, value)
        columns = [*moved]
        if "entity" in moved:
            columns += _place(act)
        after = {name: _shown(value) for name, value in moved.items()}
        act.note("dispute.corrected", {"before": before, "after": after})
        act.save(*columns)
        if "entity" in moved:
            hot_shops.check(dispute, act.at)
        return dispute

    return perform(dispute_id, by, work)


def _place(act: Act) -> list[str]:
    """The shop is known now: its name, its circle and its office. Columns that were set."""
    dispute, entity = act.dispute, act.dispute.entity
    if entity is None:
        return []
    dispute.entity_name = entity.name
    if dispute.tier == Tier.SHOP:
        dispute.circle = placing.circle_of(entity, local_date(act.at))
    if dispute.tier != Tier.OFFICIAL:
        dispute.office_id = placing.office_of(entity, station=dispute.taken_station)
    return ["entity_name", "circle", "office"]


def _wanted(act: Act, changes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - set(CHANGEABLE)
    if unknown:
        raise TypeError(f"{sorted(unknown)} cannot be corrected")
    found = dict(changes)
    if "entity" in found:
        found["entity"] = _entity(found["entity"])
    if "goods" in found:
        found["goods"] = consumers.hidden(act.dispute, str(found["goods"]))[:60]
        if not found["goods"]:
            raise Refused("请填写商品或服务。", code="goods_required", attr="goods")
    if "goods_kind" in found and found["goods_kind"] not in GoodsKind.values:
        raise Refused("请选择商品或服务类别。", code="bad_choice", attr="goods_kind")
    if "claims" in found:
        found["claims"] = list(dict.fromkeys(found["claims"]))
        if not found["claims"] or not set(found["claims"]) <= set(Claim.values):
            raise Refused("请至少选择一项诉求。", code="claims_required", attr="claims")
    if found.get("amount") is not None and not 0 <= found["amount"] <= MOST_YUAN:
        raise Refused("争议金额不正确。", code="bad_amount", attr="amount")
    if found.get("bought_on") is not None and found["bought_on"] > local_date(act.at):
        raise Refused("消费日期不能晚于今天。", code="bad_day", attr="bought_on")
    return found


def _entity(number: int | None) -> BusinessEntity:
    rows = BusinessEntity.objects.select_related("grid").filter(pk=min(number or 0, BIGGEST))
    found = rows.first()
    if found is None:
        raise Refused("没有找到该经营主体，请重新选择。", code="unknown_entity", attr="entity")
    return found


def _shown(value: Any) -> Any:
    if isinstance(value, BusinessEntity):
        return value.code
    return (
        value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    )
