"""How much capital each strategy is given: by its stage, its performance and the regime."""

from typing import NamedTuple

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray, RecordArray
from benbot.envs.market.regime import UNKNOWN, VOLATILITIES
from benbot.strategies.tournament.settings import CapitalSettings, TournamentSettings
from benbot.strategies.tournament.stages import TRIALS, Stage
from benbot.strategies.tournament.trial import profit_factor

HIGH = VOLATILITIES.index("high")


class Capital(NamedTuple):
    """What N strategies are given, account currency; nobody has both.

    paper   for the trials
    live    for those on LIVE
    """

    paper: FloatArray
    live: FloatArray

    @property
    def allowed(self) -> BoolArray:
        """Which strategies may use the account, (N,)."""
        return self.live > 0.0


def performance(rows: RecordArray, settings: CapitalSettings) -> FloatArray:
    """Return how well each row does in its stage, from 0 to 1, (N,).

    The profit factor, from where it counts as losing to where it counts as winning; 0 while there
    is no record.
    """
    place = (profit_factor(rows) - settings.losing) / (settings.winning - settings.losing)
    share: FloatArray = np.clip(np.nan_to_num(place, nan=0.0, posinf=1.0), 0.0, 1.0)
    return share


def capital(
    stage: IntArray, performance: FloatArray, regime: int, settings: TournamentSettings
) -> Capital:
    """Return what each strategy is given, (N,) each: between the two ends that its stage has.

    stage        `Stage` of each
    performance  of each, from 0 to 1; what is not a number counts as 0
    regime       code of `market.regime`; high volatility, or not knowing, takes a share away

    Where a stage is given more than its cap, everybody in it is given less in the same proportion.
    """
    good = np.clip(np.nan_to_num(performance, nan=0.0), 0.0, 1.0)
    cautious = regime == UNKNOWN or regime % len(VOLATILITIES) == HIGH
    part = settings.capital.cautious if cautious else 1.0
    given = np.zeros((2, stage.size))
    for row, each in ((0, Stage.R1), (0, Stage.R2), (0, Stage.R3), (1, Stage.LIVE)):
        ends = settings.at(each) if each in TRIALS else settings.live
        low, high = ends.capital
        at = stage == each
        wanted = np.where(at, part * (low + (high - low) * good), 0.0)
        total = float(wanted.sum())
        given[row] += wanted * min(1.0, ends.cap / total) if total > 0.0 else 0.0
    return Capital(given[0], given[1])
