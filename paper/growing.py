"""A chronicle of a market of which bars arrive one by one."""

from collections.abc import Callable

from benbot.envs.arrays import FloatArray
from benbot.envs.covariance.carried import CarriedRows
from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.sleeves import record_tape
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.features import static_features
from benbot.envs.history import History
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings, detect_regime
from benbot.envs.observation import Features
from benbot.envs.signals import Signals
from benbot.paper.ladder import LiveLadder
from benbot.paper.sleeves import ShadowSleeves
from benbot.strategies.tournament.binding import standing

Markets = Callable[[int], Market]  # of the first so many bars
Hearing = Callable[[Market], Signals]

SPARE = 252  # sessions to come for which there is room, until everything is moved once


class Growing:
    """What is known of a market, computed anew from the bars that are closed; the sleeves go on.

    So nothing that happens later can be in it. They have to be kept with the account, and so has
    the ladder on which they stand. Covariances are carried from close to close, while all returns
    before are as they were.
    """

    def __init__(
        self,
        markets: Markets,
        hear: Hearing,
        rules: DeskRules,
        regime: RegimeSettings,
        sleeves: ShadowSleeves,
        ladder: LiveLadder | None = None,
    ) -> None:
        self._markets, self._hear = markets, hear
        self._rules, self._regime = rules, regime
        self._sleeves, self._ladder = sleeves, ladder
        self._carried = CarriedRows(SPARE)
        self._last: tuple[int, tuple[Tape, Features]] | None = None

    def until(self, t: int) -> tuple[Tape, Features]:
        if self._last is None or self._last[0] != t:
            self._last = t, self._until(t)
        return self._last[1]

    def _until(self, t: int) -> tuple[Tape, Features]:
        market = self._markets(t + 1)
        signals = self._hear(market)
        regime = detect_regime(market, self._regime)
        tape = blank_tape(market, signals, regime, self._rules, self._carried)
        known = self._sleeves.last  # values of earlier bars are not in the tape
        self._sleeves.follow(tape, signals)
        features = static_features(market, signals, tape, self._regime)
        if self._ladder is not None:
            history = History(market, signals, self._rules, self._regime, tape, features)
            features = _climbed(self._ladder, history, known)
        return tape, features

    def growth(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bar `t`, (K,)."""
        row: FloatArray = self._sleeves.growth[t]
        return row

    def growth_until(self, t: int) -> FloatArray:
        """Return what the sleeves returned over bars 0 to `t`, (t + 1, K)."""
        return self._sleeves.growth[: t + 1]

    def image(self) -> bytes:
        """Return where the sleeves stand as bytes."""
        return self._sleeves.image()

    def restore(self, image: bytes, growth: FloatArray) -> None:
        """Bring the sleeves back as they stood after they had returned `growth`, (T, K)."""
        self._sleeves.restore(image, growth)
        self._last = None


def _climbed(ladder: LiveLadder, history: History, known: int) -> Features:
    """Let the ladder go on, and return the features; with the stages if it binds.

    The tape has no values before the bar `known`: where the ladder does not stand there yet it is
    played anew, on a tape that has all of them.
    """
    tape = history.tape
    if ladder.bar < known:
        tape = record_tape(history.market, history.signals, tape.regime, history.rules)
    ladder.follow(tape, history.features, history.market.days)
    return standing(history, ladder.path()).features if ladder.binds else history.features
