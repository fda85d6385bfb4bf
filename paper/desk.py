"""One account on the desk, whose orders a venue fills.

A stage of a bar is traded from the book with which it began, again after each answer of the venue,
until every order has one (`envs.desk.dealing`). So the book of a stage is a function of what the
venue has said: whoever stops in the middle of it goes on from the answers that were kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benbot.envs.arrays import Float32Array, Record, RecordArray
from benbot.envs.desk.book import Book, open_book
from benbot.envs.desk.coordinate import open_contest
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.ledger import ORDER, Ledger, open_ledger
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.errors import RunMismatch
from benbot.envs.observation import Features
from benbot.envs.stepping import EPISODE, TERMS, Arena, ArenaLoan
from benbot.paper.images import image_of, restore
from benbot.paper.stages import (
    begin_account,
    close_bar,
    look,
    take_weights,
    trade_inside,
    trade_opening,
)

KINDS = ("fills", "trades", "decisions")
UNBOUNDED = np.inf  # a trailing stop at this many distances never moves


@dataclass(frozen=True)
class Answer:
    """An order of a stage as it was sent, and what became of it.

    units, filled   bought; negative is sold
    price           mean, before costs
    """

    symbol: int
    reason: int  # `Exit`; NONE opens or enlarges
    units: float
    filled: float
    price: float
    cost: float


@dataclass(frozen=True, eq=False)
class Traded:
    """A stage as far as it could be traded.

    next      record of ORDER that has no answer yet; None: the stage is over
    expected  records of ORDER that would follow it if the venue fills what the rules expect
    fills, trades, decisions   records of the ledger, true only when the stage is over
    """

    next: Record | None
    expected: RecordArray
    fills: RecordArray
    trades: RecordArray
    decisions: RecordArray

    @property
    def is_over(self) -> bool:
        return self.next is None


class PaperDesk:
    """The only account, on a history that grows.

    `book` is the account as it stands; a stage that is not over does not change it.
    """

    def __init__(self, rules: DeskRules, n_strategies: int, n_symbols: int) -> None:
        self.rules, self.n_strategies = rules, n_strategies
        most = rules.limits.max_positions
        self.book: Book = open_book(1, n_strategies, most)
        self._base = open_book(1, n_strategies, most)
        self._record = rules.record()
        self._quiet = rules.record()
        self._quiet["exits_trailing_multiple"] = UNBOUNDED
        self._ledger = open_ledger(
            1,
            fills=6 * most,
            trades=2 * most,
            decisions=n_symbols + most,
            orders=4 * most + n_symbols,
        )
        self._shown: tuple[Tape, Features] | None = None
        self._loans: dict[bool, ArenaLoan] = {}

    def show(self, tape: Tape, features: Features) -> None:
        """Let the desk see this history from now on; rows that are written into it later count."""
        if self._shown is None or self._shown[0] is not tape or self._shown[1] is not features:
            self._shown, self._loans = (tape, features), {}

    @property
    def account(self) -> Record:
        return self.book.accounts[0]

    @property
    def positions(self) -> RecordArray:
        taken: RecordArray = self.book.positions[0, : self.account["n_positions"]]
        return taken

    def begin(self, t: int, capital: float) -> None:
        """Put money into the account at the close of bar `t`."""
        begin_account(self._words(), t, capital)

    def decide(self, t: int, weights: Float32Array) -> None:
        """Let the account follow the weights (K+1,) of the close of bar `t` from then on."""
        take_weights(self._words(), t, np.ascontiguousarray(weights, np.float32)[None])

    def observe(self, t: int, size: int) -> Float32Array:
        """Return what a policy sees at the close of bar `t`, (D,)."""
        observation: Float32Array = np.empty((1, size), np.float32)
        look(self._words(), t, observation)
        return observation.ravel()

    def trade_opening(self, t: int, answers: Sequence[Answer]) -> Traded:
        """Trade the opening of bar `t` as far as the venue has answered."""
        return self._trade(lambda words: trade_opening(words, t - 1), answers)

    def trade_inside(self, t: int, answers: Sequence[Answer], *, is_last: bool) -> Traded:
        """Watch stops and targets in what the tape knows of bar `t`, likewise.

        Only when the bar is over do stops follow the price.
        """
        return self._trade(lambda words: trade_inside(words, t), answers, is_quiet=not is_last)

    def close(self, t: int) -> float:
        """Mark the account at the close of bar `t`; return its log growth since the one before.

        What was seen last of the bar may not have been its close.
        """
        if self._shown is not None:
            closes = self._shown[0].bars["close"][t]
            for row in self.positions:
                if closes[row["symbol"]] > 0.0:
                    row["last_price"] = closes[row["symbol"]]
        return float(close_bar(self._words(), t))

    def note_health(self, failures: int, stale: int) -> None:
        """Note the venue's calls that failed in a row, and the quotes that are too old."""
        self.account["api_failures"], self.account["stale_quotes"] = failures, stale

    def weights(self) -> Float32Array:
        """Return the weights (K+1,) that the account follows."""
        parts = (self.book.sleeves["weight"][0], self.book.accounts["cash_weight"])
        weights: Float32Array = np.concatenate(parts).astype(np.float32)
        return weights

    def missing(self) -> dict[int, int]:
        """Return the bars without a price of what is held, by symbol."""
        return {int(row["symbol"]): int(row["missing"]) for row in self.positions}

    def put_missing(self, missing: dict[int, int]) -> None:
        """Set them: a look inside a bar is no bar."""
        for row in self.positions:
            row["missing"] = missing.get(int(row["symbol"]), row["missing"])

    def image(self) -> bytes:
        """Return the book as bytes."""
        return image_of(self.book)

    def restore(self, image: bytes) -> None:
        """Bring the book back from its bytes."""
        restore(image, self.book)

    def _words(self, *, is_quiet: bool = False) -> Any:  # noqa: ANN401
        if self._shown is None:
            raise RunMismatch("a desk must be shown a history before it can trade, was none")
        if is_quiet not in self._loans:
            tape, features = self._shown
            desk = Desk(self.book, tape, self._quiet if is_quiet else self._record, self._ledger)
            episodes, terms = np.zeros(1, EPISODE), np.zeros(1, TERMS)
            arena = Arena(desk, open_contest(desk), features, episodes, terms)
            self._loans[is_quiet] = ArenaLoan(arena)
        return self._loans[is_quiet].words

    def _trade(
        self,
        stage: Callable[[Any], None],
        answers: Sequence[Answer],
        *,
        is_quiet: bool = False,
    ) -> Traded:
        _copy(self.book, self._base)
        self._write(answers)
        stage(self._words(is_quiet=is_quiet))
        n_orders = int(self._ledger.n_orders[0])
        orders = self._ledger.orders[0, :n_orders].copy()
        try:
            _check(orders, n_orders, answers)
        except RunMismatch:
            _copy(self._base, self.book)
            raise
        open_orders = orders[len(answers) :]
        if open_orders.size:
            _copy(self._base, self.book)
        records = (_written(self._ledger, kind) for kind in KINDS)
        return Traded(open_orders[0] if open_orders.size else None, open_orders[1:], *records)

    def _write(self, answers: Sequence[Answer]) -> None:
        ledger = self._ledger
        for kind in (*KINDS, "orders"):
            getattr(ledger, f"n_{kind}")[0] = 0
        ledger.orders[0] = np.zeros((), ORDER)
        for row, answer in zip(ledger.orders[0], answers, strict=False):
            row["is_answered"] = 1
            row["filled"], row["fill_price"], row["cost"] = answer.filled, answer.price, answer.cost


def _check(orders: RecordArray, n_orders: int, answers: Sequence[Answer]) -> None:
    """Refuse to go on where what was sent is not what would be sent now."""
    if n_orders > orders.size:
        raise RunMismatch(f"a stage must have at most {orders.size} orders, was {n_orders}")
    if n_orders < len(answers):
        raise RunMismatch(
            f"a stage must ask for the {len(answers)} orders that were sent, asked for {n_orders}"
        )
    for i, (row, sent) in enumerate(zip(orders, answers, strict=False)):
        was = (int(row["symbol"]), int(row["reason"]), float(row["units"]))
        if was != (sent.symbol, sent.reason, sent.units):
            raise RunMismatch(
                f"order {i} of a stage must be the one that was sent, symbol {sent.symbol}, reason "
                f"{sent.reason}, {sent.units} units, was {was}. Data or code have changed since"
            )


def _copy(source: Book, target: Book) -> None:
    for own, other in zip(target, source, strict=True):
        own[...] = other


def _written(ledger: Ledger, kind: str) -> RecordArray:
    n, room = int(getattr(ledger, f"n_{kind}")[0]), getattr(ledger, kind).shape[1]
    if n > room:
        raise RunMismatch(f"a stage must not have more than {room} {kind}, was {n}")
    return getattr(ledger, kind)[0, :n].copy()  # type: ignore[no-any-return]
