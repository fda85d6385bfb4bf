"""Round trips of paper trading in the records: once, with what was known, and never by half."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benbot.experiments.paper import booking
from benbot.experiments.paper.booking import book_trades
from benbot.experiments.tournament.paper_fills import paper_slippage
from benbot.paper.booked import trades_of
from benbot.strategies.catalogue import StrategyChoice
from benbot.strategies.records import Source, open_records, read_records
from benbot.strategies.records.store import Records

CHOICES = [
    StrategyChoice(name="rsi_reversion", parameters={"window": 2}),
    StrategyChoice(name="ma_crossover", parameters={"fast": 3, "slow": 8}),
    StrategyChoice(name="bollinger_reversion", parameters={"window": 8}),
]
Book = Callable[[], int]


def now() -> datetime:
    return datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'records.db'}"


@pytest.fixture
def book(small: Any, url: str) -> Book:  # noqa: ANN401
    return lambda: book_trades(url, small.rows, small.stretch.history, CHOICES, now)


def paper_trades(url: str) -> Any:  # noqa: ANN401
    with read_records(url) as records:
        return records.trades(source=Source.PAPER)


def test_the_same_account_again_is_nothing_new(small: Any, url: str, book: Book) -> None:  # noqa: ANN401
    n = len(small.rows.trades)
    assert n > 2
    assert (book(), book()) == (n, 0)
    small.trade(18)
    later = len(small.rows.trades)
    assert later > n
    assert book() == later - n
    assert len(paper_trades(url)) == later


def test_a_trade_has_what_was_known_when_it_was_decided(small: Any, url: str, book: Book) -> None:  # noqa: ANN401
    book()
    told, rows, history = paper_trades(url).iloc[0], small.rows, small.stretch.history
    trade = next(row for row in rows.trades if row["symbol"] == told["symbol"])
    bar = trade["opened"] - 1
    k = history.signals.strategies.index(told["strategy"])
    s = history.market.symbols.index(told["symbol"])
    chosen = np.frombuffer(rows.decisions[bar - rows.first_bar]["weights"], np.float32)
    assert told["weight"] == pytest.approx(chosen[k])
    assert told["confidence"] == pytest.approx(history.signals.confidence[bar, k, s])
    assert told["spread"] == pytest.approx(2e4 * history.tape.bars["half_spread"][bar, s])
    assert (told["stage"], told["source"], told["slippage"]) == ("LIVE", "paper", 0.0)
    assert told["return"] == pytest.approx(trade["profit"] / trade["notional"])
    assert told["closed"].date() == history.market.days[trade["closed"]].item()


def test_a_strategy_on_the_ladder_is_booked_on_its_stage(small: Any) -> None:  # noqa: ANN401
    stages = dict.fromkeys(small.stretch.history.signals.strategies, "R2")
    frame = trades_of(small.rows, small.stretch.history, stages)
    assert set(frame["stage"]) == {"R2"}


def test_who_is_killed_before_the_end_has_written_nothing(
    small: Any,  # noqa: ANN401
    url: str,
    book: Book,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(self: Records, transaction: Any) -> None:  # noqa: ANN401
        raise KeyboardInterrupt

    monkeypatch.setattr(Records, "_commit", dies)
    with pytest.raises(KeyboardInterrupt):
        book()
    monkeypatch.undo()
    with open_records(url, owner="somebody", clock=now, takes_over=True) as records:
        assert len(records.trades()) == 0
    assert book() == len(small.rows.trades)


def test_records_that_are_ahead_take_trades_of_before(
    small: Any,  # noqa: ANN401
    url: str,
    book: Book,
) -> None:
    with (
        open_records(url, owner=booking.OWNER, clock=now) as records,
        records.change(datetime(2025, 1, 1, tzinfo=UTC)) as change,
    ):
        change.state("season", {})
    assert book() == len(small.rows.trades)


def test_a_season_sees_what_fills_cost_on_paper_and_none_before_its_time(
    small: Any,  # noqa: ANN401
    url: str,
) -> None:
    history, rows = small.stretch.history, small.rows
    dear = [dict(row) for row in rows.intents]
    for row in dear:
        if row["fill_price"] is not None:  # 8 basis points dearer than the model
            row["cost"] += 8e-4 * abs(row["filled"]) * row["price"]
    small_rows = type(rows)(**{**vars(rows), "intents": dear})
    book_trades(url, small_rows, history, CHOICES, now)
    names, closes = history.signals.strategies, history.market.timestamps
    slippage = paper_slippage(url, names, closes)
    first = min(row["closed"] for row in rows.trades)
    traded = {row["strategy"] for row in rows.trades}
    assert not slippage[:first].any()
    for k, name in enumerate(names):
        assert slippage[-1, k] == pytest.approx(8.0 if name in traded else 0.0)
