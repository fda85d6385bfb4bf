"""A chronicle of a market of which bars arrive one by one."""

from collections.abc import Callable

from benbot.envs.desk.rules import DeskRules
from benbot.envs.desk.tape import Tape
from benbot.envs.desk.taping import blank_tape
from benbot.envs.features import static_features
from benbot.envs.market.market import Market
from benbot.envs.market.regime import RegimeSettings, detect_regime
from benbot.envs.observation import Features
from benbot.envs.signals import Signals
from benbot.paper.sleeves import ShadowSleeves

Markets = Callable[[int], Market]  # of the first so many bars
Hearing = Callable[[Market], Signals]


class Growing:
    """What is known of a market, computed anew from the bars that are closed; the sleeves go on.

    So nothing that happens later can be in it. `sleeves` have to be kept with the account.
    """

    def __init__(
        self,
        markets: Markets,
        hear: Hearing,
        rules: DeskRules,
        regime: RegimeSettings,
        sleeves: ShadowSleeves,
        strategies: tuple[str, ...],
    ) -> None:
        self._markets, self._hear = markets, hear
        self._rules, self._regime = rules, regime
        self.sleeves, self.strategies = sleeves, strategies

    def until(self, t: int) -> tuple[Tape, Features]:
        market = self._markets(t + 1)
        signals = self._hear(market)
        regime = detect_regime(market, self._regime)
        tape = blank_tape(market, signals, regime, self._rules)
        self.sleeves.follow(tape, signals)
        return tape, static_features(market, signals, tape, self._regime)
