"""What became of a strategy's wish for a symbol, read from the records of an account."""

from typing import NamedTuple

import numpy as np

from benbot.agents.evaluation import Evaluation
from benbot.envs.arrays import RecordArray
from benbot.envs.desk.reasons import Exit, Verdict
from benbot.envs.signals import NO_PAIRS
from benbot.experiments.report.breakdown import readable
from benbot.experiments.signals.gate_answers import MEANINGS, setting_of, with_settings
from benbot.experiments.training.preparation import Prepared
from benbot.strategies.base import Strategy

NO_OPINION = "no opinion"


class Outcome(NamedTuple):
    """What became of a wish: in a few words, and in a sentence."""

    short: str
    sentence: str


class Scene:
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

    def outcome(self, k: int, strategy: Strategy) -> Outcome:
        """Return what became of the wish of strategy `k`, and with which symbol it was a pair."""
        signals = self.prepared.history.signals
        direction = int(signals.direction[self.t, k, self.s])
        confidence = float(signals.confidence[self.t, k, self.s])
        outcome = self._outcome(k, strategy, direction, confidence)
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
