"""The arithmetic of delivery."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.notices import policy

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_backoff_doubles_up_to_half_an_hour() -> None:
    waits = [policy.backoff(attempt, 0.0).total_seconds() for attempt in range(1, 13)]
    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 1800, 1800, 1800]


@given(attempt=st.integers(-5, 5000), spread=st.floats(0, 1))
def test_backoff_is_spread_over_half_of_the_wait(attempt: int, spread: float) -> None:
    whole = policy.backoff(attempt, 0.0)
    assert whole / 2 <= policy.backoff(attempt, spread) <= whole <= timedelta(minutes=30)


def test_a_bucket_fills_by_its_rate_and_holds_one_minute() -> None:
    assert policy.refilled(0, AT, AT + timedelta(seconds=30), 20) == 10
    assert policy.refilled(15, AT, AT + timedelta(hours=1), 20) == 20
    assert policy.refilled(3, AT, AT - timedelta(seconds=9), 20) == 3


@pytest.mark.parametrize(
    ("waiting", "tokens", "sizes"),
    [
        (0, 20, []),
        (3, 0.9, []),
        (3, 20, [1, 1, 1]),
        (3, 3.5, [1, 1, 1]),
        (5, 3.0, [1, 1, 3]),
        (5, 20, [1, 1, 1, 1, 1]),
        (6, 20, [6]),
        (50, 1.0, [50]),
    ],
)
def test_beyond_the_bucket_the_rest_shares_one_message(waiting: int, tokens: float, sizes: list[int]) -> None:
    assert policy.sendings(waiting, tokens) == sizes


@given(waiting=st.integers(0, 500), tokens=st.floats(0, 100))
def test_every_row_is_in_one_sending_and_the_bucket_is_kept(waiting: int, tokens: float) -> None:
    sizes = policy.sendings(waiting, tokens)
    assert sum(sizes) == (waiting if tokens >= 1 else 0)
    assert len(sizes) <= min(tokens, policy.BURST)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("电话13812345678。", "电话138****5678。"),
        ("138-1234-5678", "138****5678"),
        ("身份证370983199001011234", "身份证370983********1234"),
        ("37098319900101123X", "370983********123X"),
        ("0538-3212345", "0538****2345"),
        ("统一代码91370983MA3TERT031", "统一代码91370983MA3TERT031"),
        ("网格370983001-L01", "网格370983001-L01"),
        ("2026-11-23T06:14:48.012345+00:00", "2026-11-23T06:14:48.012345+00:00"),
    ],
)
def test_personal_numbers_are_masked_and_nothing_else(said: str, told: str) -> None:
    assert policy.masked({"deep": [said, 13812345678]}) == {"deep": [told, 13812345678]}


def test_only_what_is_named_public_keeps_its_number() -> None:
    """A station's own telephone is told to the consumer; whatever else looks like one is masked."""
    said = {"public_telephone": "0538-3212345", "telephone": "0538-3212345", "link": "13812345678"}
    assert policy.masked(said) == {
        "public_telephone": "0538-3212345",
        "telephone": "0538****2345",
        "link": "138****5678",
    }
