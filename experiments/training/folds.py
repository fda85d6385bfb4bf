"""Walk forward: an agent learns, is chosen and is judged, and all of it again some bars later."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from pydantic import Field

from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.envs.market.market import Market
from benbot.envs.settings import Settings

SEGMENTS = ("fit", "valid", "test")


class FoldSettings(Settings):
    """How often, on how much, and how far apart; the last fold ends with the market, or at `end`.

    The stretches on which folds are judged follow one another without a gap and without a bar in
    common, so that together they are one account whose policies were renewed.
    """

    n: int = Field(ge=2, le=100, description="folds")
    fit_bars: int = Field(
        ge=1, description="bars that an agent learns from; the least if expanding"
    )
    expanding: bool = Field(
        default=False, description="whether every fold learns from the beginning of the first"
    )
    valid_bars: int = Field(ge=1, description="bars that the policy is chosen on")
    test_bars: int = Field(ge=1, description="bars that it is judged on, until the next fold")
    embargo_bars: int = Field(
        default=0, ge=0, le=10_000, description="bars between fit, valid and test that do not count"
    )
    end: date | None = Field(default=None, description="last day; that of the market if not given")

    @property
    def gap(self) -> int:
        """From the last mark of a part to the first of the next: no bar belongs to both."""
        return self.embargo_bars + 1

    @property
    def n_bars(self) -> int:
        """From the first mark of the first fold to the last of the last."""
        return self.fit_bars + self.valid_bars + self.n * self.test_bars + 2 * self.gap


@dataclass(frozen=True, eq=False)
class Fold:
    """Where an agent learns, is chosen and is judged; `number` is 0 where there are no folds."""

    number: int
    spans: dict[str, Span]  # fit, valid and test

    @property
    def prefix(self) -> str:
        """Return what folders of this fold begin with."""
        return f"fold-{self.number}/" if self.number else ""

    def named(self, name: str) -> str:
        """Return a name that tells this fold from others."""
        return f"{name} fold {self.number}" if self.number else name


def place_folds(
    market: Market, settings: FoldSettings, warmup: int, episode_bars: int
) -> tuple[Fold, ...]:
    """Return the folds, the first one first; `warmup` is the first bar with all signals.

    Nothing has to be purged by hand: an account begins each part in cash, is marked at every close
    and ends with its part, so no outcome of a decision lies beyond it, and a position opened before
    a boundary is not carried over it. What could still help is that the first bars after a boundary
    resemble the last before it; the embargo leaves them out (Lopez de Prado 2018, chapter 7).
    """
    last = _last_bar(market, settings)
    first = last - settings.n_bars
    if first < 0:
        raise BadConfig(
            f"folds need {settings.n_bars + 1} bars (fit_bars {settings.fit_bars} + valid_bars "
            f"{settings.valid_bars} + {settings.n} x test_bars {settings.test_bars} + gaps and the "
            f"first mark), was {last + 1} from {market.days[0]} to {market.days[last]}. Take fewer "
            f"or shorter folds"
        )
    blind = max(0, warmup - first)
    if settings.fit_bars < blind + episode_bars:
        raise BadConfig(
            f"folds.fit_bars must be at least {blind + episode_bars}: {blind} until the warm-up "
            f"of {warmup} bars is over, and an episode of {episode_bars}; was {settings.fit_bars} "
            f"from {market.days[first]}. Lengthen it, or lower environment.episode_bars"
        )
    return tuple(_fold(i, first, settings) for i in range(settings.n))


def _fold(i: int, first: int, settings: FoldSettings) -> Fold:
    begin = first + i * settings.test_bars
    fit = Span(first if settings.expanding else begin, begin + settings.fit_bars)
    valid = Span(fit.last + settings.gap, fit.last + settings.gap + settings.valid_bars)
    test = Span(valid.last + settings.gap, valid.last + settings.gap + settings.test_bars)
    return Fold(i + 1, dict(zip(SEGMENTS, (fit, valid, test), strict=True)))


def _last_bar(market: Market, settings: FoldSettings) -> int:
    if settings.end is None:
        return market.n_bars - 1
    inside = np.flatnonzero(market.days <= np.datetime64(settings.end))
    if not inside.size:
        raise BadConfig(
            f"folds.end must not come before the market, was {settings.end}. The market runs from "
            f"{market.days[0]} to {market.days[-1]}"
        )
    return int(inside[-1])
