"""Ten thousand quotes, many of them nonsense: none that is wrong opens a position or is raised."""

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from benbot.paper.alpaca.quotes import AlpacaQuotes
from benbot.paper.quote_board import QuoteBoard, QuoteLimits
from tests.paper.emulator.calendar import VirtualClock

SEED = 11
NOW = datetime(2026, 1, 5, 15, tzinfo=UTC)
TRUE = 100.0
STRANGE = (0, 0.0, -0.0, -1.0, 1e308, -1e308, 1e-300, math.nan, math.inf, -math.inf, None, "", "1")
SYMBOLS = tuple(f"S{i}" for i in range(20))


class Rows:
    """A wire on which there is always a row, of whatever kind."""

    def __init__(self, seed: int, clock: VirtualClock) -> None:
        self.random, self.clock = random.Random(seed), clock  # noqa: S311
        self.sent: dict[str, object] = {}

    def get(self, _: str, parameters: Mapping[str, str]) -> object:
        self.sent = {symbol: self.row() for symbol in parameters["symbols"].split(",")}
        return {"quotes": self.sent}

    def row(self) -> object:
        rng = self.random
        if rng.random() < 0.05:
            return rng.choice((None, [], {}, "x", 7))
        return {"bp": self.price(), "ap": self.price(), "t": self.time()}

    def price(self) -> object:
        rng = self.random
        kind = rng.random()
        if kind < 0.15:
            return rng.choice(STRANGE)
        if kind < 0.25:
            return TRUE * rng.choice((0.1, 10.0, 1.5))
        return TRUE * (1.0 + rng.uniform(-0.012, 0.012))

    def time(self) -> object:
        rng = self.random
        if rng.random() < 0.05:
            return rng.choice((None, "", "yesterday", 7, "2026-01-05T15:00:00", "9999-99-99"))
        if rng.random() < 0.2:
            return (self.clock.now + timedelta(seconds=rng.uniform(-7200, 7200))).isoformat()
        return (self.clock.now - timedelta(seconds=rng.uniform(0, 30))).isoformat()


def is_sound(row: object, now: datetime) -> bool:
    """Say, in other words than the board's, whether a row may open a position."""
    if not isinstance(row, dict):
        return False
    bid, ask = row.get("bp"), row.get("ap")
    if not (isinstance(bid, float) and isinstance(ask, float) and isinstance(row.get("t"), str)):
        return False
    if not row["t"].endswith("+00:00"):
        return False
    age = (now - datetime.fromisoformat(row["t"])).total_seconds()
    near = 0.74 * TRUE < bid <= ask < 1.26 * TRUE
    return near and 2.0 * (ask - bid) <= 0.0201 * (ask + bid) and -5.0 <= age <= 60.0


def read_many(n: int) -> tuple[int, int]:
    """Read n rows, and return how many were believed and how many were sound."""
    clock = VirtualClock(NOW)
    rows = Rows(SEED, clock)
    board = QuoteBoard([AlpacaQuotes(rows)], QuoteLimits(), clock)  # type: ignore[arg-type]
    believed = sound = 0
    for _ in range(n // len(SYMBOLS)):
        for symbol in SYMBOLS:
            board.expect(symbol, TRUE)
        clock.advance(seconds=30)
        for symbol, reading in board.read(SYMBOLS).items():
            ok = is_sound(rows.sent[symbol], clock.now)
            assert ok or not reading.may_enter, rows.sent[symbol]
            assert reading.price is not None
            assert 0.7 * TRUE < reading.price < 1.3 * TRUE
            believed, sound = believed + reading.may_enter, sound + ok
    return believed, sound


def test_ten_thousand_quotes_open_nothing_that_is_wrong() -> None:
    believed, sound = read_many(10_000)
    assert 1_000 < believed <= sound


@pytest.mark.nightly
def test_a_million_quotes_open_nothing_that_is_wrong() -> None:
    read_many(1_000_000)
