"""Reading and writing schemes: strict, in Chinese, all faults at once."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import fields, is_dataclass
from typing import Any

import pytest
from hypothesis import given

from credit.scheme import DEFAULT, Scheme, SchemeError, digest, dump, parse
from credit.scheme_values import SECTIONS, VALUES
from tests.credit.schemes import schemes


@given(schemes())
def test_written_and_read_again_it_is_the_same(scheme: Scheme) -> None:
    assert parse(dump(scheme)) == scheme
    through_json = parse(json.loads(json.dumps(dump(scheme))))
    assert through_json == scheme
    assert digest(through_json) == digest(scheme)
    assert (digest(scheme) == digest(DEFAULT)) == (scheme == DEFAULT)


def test_every_value_has_a_name_for_people() -> None:
    named = {(part.name, one.name) for part in fields(Scheme) for one in fields(getattr(DEFAULT, part.name))}
    assert named == set(VALUES)
    assert [part.name for part in fields(Scheme)] == list(SECTIONS)
    assert all(is_dataclass(getattr(DEFAULT, name)) for name in SECTIONS)
    assert all(re.search(r"[㐀-鿿]", value.label) for value in VALUES.values())


def faults_of(**changes: Any) -> dict[str, str]:
    """What `parse` says of the default rules with values changed; `None` takes one out."""
    rules: dict[str, Any] = copy.deepcopy(dump(DEFAULT))
    for path, value in changes.items():
        section, _, name = path.partition("__")
        if not name:
            rules[section] = value
        elif value is None:
            del rules[section][name]
        else:
            rules[section][name] = value
    with pytest.raises(SchemeError) as refused:
        parse(rules)
    assert (refused.value.status, refused.value.code) == (422, "bad_scheme")
    for fault in refused.value.faults:
        assert str(fault) in refused.value.detail
        assert re.search(r"[㐀-鿿]", fault.message)
    return {fault.path: fault.message for fault in refused.value.faults}


WHOLE, POINTS, GRADE = "应为 1 至 60 之间的整数", "应为 0 至 100 之间的数，最多两位小数", "应为 B、C 或 D"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"patrol__months": 0}, {"patrol.months": WHOLE}),
        ({"patrol__months": 61}, {"patrol.months": WHOLE}),
        ({"patrol__months": 6.0}, {"patrol.months": WHOLE}),
        ({"patrol__months": True}, {"patrol.months": WHOLE}),
        ({"patrol__months": "6"}, {"patrol.months": WHOLE}),
        ({"patrol__minor": -1}, {"patrol.minor": POINTS}),
        ({"patrol__minor": 0.125}, {"patrol.minor": POINTS}),
        ({"patrol__minor": float("nan")}, {"patrol.minor": POINTS}),
        ({"patrol__minor": 10**400}, {"patrol.minor": POINTS}),
        ({"patrol__minor": [1]}, {"patrol.minor": POINTS}),
        ({"patrol__on_time": 1.5}, {"patrol.on_time": "应为 0 至 1 之间的数，最多两位小数"}),
        ({"limits__new": "A"}, {"limits.new": GRADE}),
        ({"limits__new": "E"}, {"limits.new": GRADE}),
        ({"limits__new": 2}, {"limits.new": GRADE}),
        ({"limits__new_days": None}, {"limits.new_days": "缺少"}),
        ({"limits__colour": 3}, {"limits.colour": "没有这一项"}),
        ({"patrol": [1, 2]}, {"patrol": "应为由各项数值组成的对象"}),
        ({"luck": {}}, {"luck": "没有这一部分"}),
        ({"patrol__most": 16}, {"rules": "之和应为 100 分，现为 101 分"}),
        ({"safety__most": 11.5}, {"rules": "之和应为 100 分，现为 99.5 分"}),
        ({"limits__b": 84.5, "limits__a": 84.5}, {"limits.b": "应低于“A级最低分”"}),
        ({"limits__c": 75}, {"limits.c": "应低于“B级最低分”"}),
        ({"limits__c": 0}, {"limits.c": "应大于 0"}),
        ({"annual_report__late": 9}, {"annual_report.late": "不应大于“满分”"}),
        ({"annual_report__missing": 5}, {"annual_report.missing": "不应大于“逾期报送得分”"}),
        ({"patrol__moderate": 7}, {"patrol.moderate": "不应大于“严重问题每项扣分”"}),
        ({"penalty__light_months": 13}, {"penalty.light_months": "不应大于“一般处罚计入期限”"}),
        ({"licensing__expiring": 7}, {"licensing.expiring": "不应大于“证照过期每件扣分”"}),
        ({"movement__partner_b": 70}, {"limits.b": "不应大于“B级主体参评红色合伙人最低分”"}),
        ({"movement__partner_reviews": 0}, {"movement.partner_reviews": "应为 1 至 12 之间的整数"}),
        (
            {"patrol__months": 0, "limits__c": 80, "penalty__grave": "x", "safety__months": None},
            {
                "patrol.months": WHOLE,
                "limits.c": "应低于“B级最低分”",
                "penalty.grave": POINTS,
                "safety.months": "缺少",
            },
        ),
    ],
)
def test_every_fault_is_refused_with_its_path(changes: dict[str, Any], faults: dict[str, str]) -> None:
    assert faults_of(**changes) == faults


@pytest.mark.parametrize("rules", [None, [], "x", 3])
def test_rules_are_an_object(rules: object) -> None:
    with pytest.raises(SchemeError, match="应为由各部分组成的对象"):
        parse(rules)


def test_nothing_at_all_names_every_part() -> None:
    with pytest.raises(SchemeError) as refused:
        parse({})
    assert [fault.path for fault in refused.value.faults] == list(SECTIONS)
