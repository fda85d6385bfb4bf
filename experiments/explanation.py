"""Why a strategy did or did not trade a symbol at one close, from what the desk wrote down.

Nothing is decided here a second time: an account has traded up to the bar with its ledger on, and
what is told of it is what its decisions, holdings and fills say. S symbols, K strategies.

score   weight × confidence × expected value, as the desk compares candidates
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import RecordArray
from benbot.envs.desk.reasons import Breaker, Exit, Verdict
from benbot.envs.market.regime import REGIMES, UNKNOWN
from benbot.envs.signals import NO_PAIRS
from benbot.experiments.breakdown import readable
from benbot.experiments.preparation import Prepared
from benbot.experiments.verdicts import MEANINGS, setting_of, with_settings
from benbot.strategies.base import Strategy

NO_OPINION = "no opinion"


class Outcome(NamedTuple):
    """What became of a wish: in a few words, and in a sentence."""

    short: str
    sentence: str


@dataclass(frozen=True, eq=False)
class Wish:
    """What one strategy saw of a symbol at a close, what it wanted, and what became of that.

    seen           by name, NaN where unknown; of prices, those that strategies see
    direction      +1 long, -1 short, 0 none
    confidence     in [0, 1]
    expected       return on notional after costs that the desk expects; NaN if nothing is asked
    score          signed, negative for a short
    stop_distance  fraction of the price, NaN without a direction
    stop_price     as traded, if the order were filled at the close; NaN likewise
    """

    strategy: str
    seen: Mapping[str, float]
    direction: int
    confidence: float
    expected: float
    score: float
    stop_distance: float
    stop_price: float
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Explanation:
    """All wishes for one symbol at the close of bar `bar`, and how the account stood.

    price      as strategies see it; traded_price as it changes hands
    breaker    `Breaker` that judged the orders of this close
    holder     the strategy that holds the symbol and its side, or nothing
    """

    symbol: str
    bar: int
    price: float
    traded_price: float
    regime: str
    policy: str
    first_bar: int
    equity: float
    n_positions: int
    breaker: Breaker
    holder: str
    wishes: tuple[Wish, ...]


def strongest(prepared: Prepared, t: int) -> int:
    """Return the symbol with the most valued candidate at bar `t`, the first of equals."""
    n_symbols = prepared.market.n_symbols
    value = np.nan_to_num(np.abs(prepared.history.tape.value[t, :, :n_symbols]))
    return int(np.where(prepared.market.tradable[t], value.max(axis=0), -1.0).argmax())


def explain(prepared: Prepared, account: Evaluation, t: int, s: int) -> Explanation:
    """Return what every strategy wanted of symbol `s` at the close of bar `t`, and what came of it.

    The account must have traded through bar `t` + 1, in which the orders of the close fill.
    """
    market, i = prepared.market, t - int(account.bars[0])
    scene = _Scene(prepared, account, t, s)
    held = account.holdings[account.holdings["bar"] == t]
    regime = int(account.regime[i])
    return Explanation(
        symbol=market.symbols[s],
        bar=t,
        price=float(market.close[t, s]),
        traded_price=scene.price,
        regime="unknown" if regime == UNKNOWN else REGIMES[regime],
        policy=account.name,
        first_bar=int(account.bars[0]),
        equity=float(account.equity[i]),
        n_positions=int(held.size),
        breaker=Breaker(int(account.breaker[i + 1])),  # set at the close, known at the next mark
        holder=scene.holder_in_words,
        wishes=tuple(scene.wish(k, strategy) for k, strategy in enumerate(prepared.strategies)),
    )


class _Scene:
    """One symbol at one close, and the records that speak of it."""

    def __init__(self, prepared: Prepared, account: Evaluation, t: int, s: int) -> None:
        self.prepared, self.account, self.t, self.s = prepared, account, t, s
        self.known = prepared.market.until(t + 1)
        self.price = float(self.known.close[t, s] * self.known.unadjusted[t, s])
        self.weights = account.weights[t - int(account.bars[0])]
        own = _of(account.decisions, t, s)
        self.entry, self.enlargement = own[own["enlarges"] == 0], own[own["enlarges"] == 1]
        self.holding = _of(account.holdings, t, s)
        after = _of(account.fills, t + 1, s)
        self.stays = _of(account.holdings, t + 1, s)["strategy"]
        self.exits = after[after["reason"] != Exit.NONE]

    @property
    def names(self) -> tuple[str, ...]:
        return self.account.strategies

    @property
    def holder(self) -> int:
        """The strategy that holds the symbol at the close, -1 if nobody does."""
        return int(self.holding["strategy"][0]) if self.holding.size else -1

    @property
    def side(self) -> int:
        """The side that is held, 0 if nothing is."""
        return int(np.sign(self.holding["worth"][0])) if self.holding.size else 0

    @property
    def holder_in_words(self) -> str:
        return f"{self.names[self.holder]}, {_side(self.side)}" if self.holding.size else ""

    def wish(self, k: int, strategy: Strategy) -> Wish:
        signals, t, s = self.prepared.history.signals, self.t, self.s
        direction = int(signals.direction[t, k, s])
        confidence = float(signals.confidence[t, k, s])
        value = float(self.prepared.history.tape.value[t, k, s])
        stop = float(signals.stop_distance[t, k, s]) if direction else float("nan")
        told = {**strategy.sees(self.known), **strategy.asks(self.known)}
        return Wish(
            strategy=strategy.name,
            seen={name: float(values[t, s]) for name, values in told.items()},
            direction=direction,
            confidence=confidence,
            expected=abs(value) / confidence if confidence > 0.0 else float("nan"),
            score=float(self.weights[k]) * value if confidence > 0.0 else 0.0,
            stop_distance=stop,
            stop_price=self.price * (1.0 - direction * stop),
            outcome=self._with_partner(k, self._outcome(k, strategy, direction, confidence)),
        )

    def _with_partner(self, k: int, outcome: Outcome) -> Outcome:
        """Say with which symbol a candidate is a pair, if it is one."""
        signals = self.prepared.history.signals
        row = int(signals.pairing[k])
        partner = -1 if row == NO_PAIRS else int(signals.partner[self.t, row, self.s])
        if partner < 0:
            return outcome
        symbol = self.known.symbols[partner]
        return outcome._replace(sentence=f"{outcome.sentence}; a pair with {symbol}")

    def _outcome(self, k: int, strategy: Strategy, direction: int, confidence: float) -> Outcome:
        if self.entry.size and self.entry["strategy"][0] == k:
            return self._answer(self.entry[0])
        if self.holder == k:
            return self._of_holder(direction)
        if direction == 0:
            return self._silence(strategy)
        if not confidence > 0.0 and self._asked(strategy):
            top = setting_of(self.prepared.config, "discovery.top")
            words = "the scanner did not list it among the best of this close"
            return Outcome("not listed", f"{words} (discovery.top={top})")
        if not confidence > 0.0:
            words = "it may end a position of the other side here, but open none"
            return Outcome("opens nothing", words)
        if self.entry.size:
            winner = int(self.entry["strategy"][0])
            words = "which scored more; only one strategy is heard for a symbol"
            return Outcome(
                f"lost to {winner + 1}", f"the symbol was won by {self.names[winner]}, {words}"
            )
        return self._unheard(k, direction)

    def _answer(self, decision: RecordArray) -> Outcome:
        """Tell what the gates said to the winner of the symbol."""
        verdict, limit = Verdict(int(decision["verdict"])), Verdict(int(decision["limit"]))
        wanted, allowed = abs(float(decision["wanted"])), abs(float(decision["allowed"]))
        meaning = MEANINGS[limit if verdict is Verdict.CLIPPED else verdict]
        words = with_settings(meaning.words, meaning.settings, self.prepared.config)
        wish = f"wanted {wanted:.2%} of equity"
        closed = self._exit_after(int(decision["strategy"]))
        if verdict > Verdict.CLIPPED:
            return Outcome(
                f"refused: {readable(verdict.name)}", f"{wish}, refused: {words}{closed}"
            )
        if verdict is Verdict.PASSED:
            return Outcome("traded", f"{wish} and ordered it{closed}")
        short = f"clipped: {readable(limit.name)}"
        return Outcome(short, f"{wish}, ordered {allowed:.2%}: {words}{closed}")

    def _of_holder(self, direction: int) -> Outcome:
        """Tell what the strategy that holds the symbol does with it."""
        left, side = self._exit_of(self.holder), _side(self.side)
        if left:
            stays = self.holder in self.stays
            done = "sold or bought back a part of it" if stays else "left"
            words = f"it held the symbol {side} and {done} in the next bar: {left}"
            return Outcome(f"{'trims' if stays else 'leaves'}: {left}", words)
        if self.enlargement.size:
            answer = self._answer(self.enlargement[0])
            return Outcome(
                f"grows, {answer.short}",
                f"it holds the symbol and would hold more; {answer.sentence}",
            )
        agrees = (
            "and still wants to"
            if direction == self.side
            else "until a stop, its time or its weight ends it"
        )
        return Outcome("holds it", f"it holds the symbol {side} {agrees}")

    def _asked(self, strategy: Strategy) -> bool:
        """Return whether the strategy would open the symbol, if the discovery let it."""
        if self.prepared.config.discovery is None:
            return False
        return bool(strategy.opinion(self.known).confidence[self.t, self.s] > 0.0)

    def _silence(self, strategy: Strategy) -> Outcome:
        n_bars = int(self.known.tradable[:, self.s].sum())
        if n_bars <= strategy.warmup:
            words = f"it needs {strategy.warmup} bars before its first opinion, had {n_bars - 1}"
            return Outcome("warming up", words)
        return Outcome(NO_OPINION, "what it saw was no reason to trade")

    def _unheard(self, k: int, direction: int) -> Outcome:
        """Tell why a candidate is in no record: the winner of its symbol asked for nothing."""
        limits = self.prepared.config.desk.limits
        if direction < 0 and not limits.allow_short:
            return Outcome("no shorts", "nothing is sold short (desk.limits.allow_short=False)")
        if not self.weights[k] > 0.0:
            return Outcome("no weight", "the policy gave it no weight")
        if self.holding.size:
            words = f"the symbol is {self.names[self.holder]}'s, which scored more and holds it"
            return Outcome(f"lost to {self.holder + 1}", f"{words} {_side(self.side)} already")
        return Outcome("not heard", "the account was ruined before and trades no more")

    def _exit_after(self, k: int) -> str:
        """Return what became of an order by the end of the bar that filled it, if it was closed."""
        left = self._exit_of(k)
        if not left:
            return ""
        before = "what it held before was" if self.holder == k else "within that bar it was"
        return f"; {before} closed: {left}"

    def _exit_of(self, k: int) -> str:
        """Return why a strategy's position was closed, wholly or in part, in the next bar."""
        own = self.exits[self.exits["strategy"] == k]
        return readable(Exit(int(own["reason"][-1])).name) if own.size else ""


def _of(records: RecordArray, t: int, s: int) -> RecordArray:
    own: RecordArray = records[(records["bar"] == t) & (records["symbol"] == s)]
    return own


def _side(direction: int) -> str:
    return "long" if direction > 0 else "short"
