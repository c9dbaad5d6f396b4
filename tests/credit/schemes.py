"""Any scheme that makes sense, for hypothesis."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import strategies as st

from credit.scheme import DEFAULT, GRADES, Scheme, dump, parse
from credit.scheme_values import INDICATORS, VALUES


def scheme_of(seed: int) -> Scheme:
    """Every value anew within its bounds, then put in order where an order is asked for."""
    chance = Random(seed)
    rules: dict[str, dict[str, Any]] = dump(DEFAULT)
    for (section, name), value in VALUES.items():
        if value.is_grade:
            rules[section][name] = chance.choice(GRADES[1:])
        elif value.is_points:
            rules[section][name] = chance.randint(value.low * 100, value.high * 100) / 100
        else:
            rules[section][name] = chance.randint(value.low, value.high)
    cuts = sorted(chance.randint(0, 10000) for _ in INDICATORS[1:])
    for section, low, high in zip(INDICATORS, [0, *cuts], [*cuts, 10000], strict=True):
        rules[section]["most"] = (high - low) / 100
    most = round(rules["annual_report"]["most"] * 100)
    rules["annual_report"]["late"] = chance.randint(0, most) / 100
    rules["annual_report"]["missing"] = chance.randint(0, round(rules["annual_report"]["late"] * 100)) / 100
    _in_order(rules["patrol"], "minor", "moderate", "serious", "urgent")
    _in_order(rules["penalty"], "light", "ordinary", "grave")
    _in_order(rules["penalty"], "light_months", "ordinary_months", "grave_months")
    _in_order(rules["licensing"], "expiring", "expired")
    c, b, a = sorted(chance.sample(range(1, 101), 3))
    rules["limits"] |= {"a": a, "b": b, "c": c}
    rules["movement"]["partner_b"] = chance.randint(b, 100)
    return parse(rules)


def _in_order(part: dict[str, Any], *names: str) -> None:
    part |= dict(zip(names, sorted(part[name] for name in names), strict=True))


def schemes() -> st.SearchStrategy[Scheme]:
    return st.integers(0, 2**32).map(scheme_of)
