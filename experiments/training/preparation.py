"""From a configuration to everything a policy is trained and judged on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benbot.envs.errors import BadConfig, UnknownName
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.market import Market
from benbot.envs.market.sources import load_market
from benbot.envs.signals import Signals
from benbot.experiments.config import ExperimentConfig
from benbot.experiments.training.folds import SEGMENTS, Fold, place_folds
from benbot.experiments.training.segments import SegmentSettings
from benbot.strategies.base import Strategy
from benbot.strategies.catalogue import build
from benbot.strategies.hearing import check_history, collect
from benbot.strategies.learning.lessons import taught
from benbot.strategies.scanner import only_found
from benbot.strategies.tournament.binding import bound


@dataclass(frozen=True, eq=False)
class Prepared:
    """A configuration with its market, strategies and history, and where its segments lie.

    spans   of fit, valid and test; with folds, those of the newest
    folds   the first one first; none where the configuration has segments
    """

    config: ExperimentConfig
    strategies: tuple[Strategy, ...]
    history: History
    spans: dict[str, Span]
    folds: tuple[Fold, ...] = ()

    @property
    def market(self) -> Market:
        return self.history.market

    @property
    def stretches(self) -> tuple[Fold, ...]:
        """The folds, or the only stretch there is, as fold 0."""
        return self.folds or (Fold(0, self.spans),)

    def in_fold(self, fold: Fold) -> "Prepared":
        """Return the same with the segments of one fold."""
        return replace(self, spans=fold.spans)

    def span(self, segment: str) -> Span:
        """Return the bars of a segment; refuse one that there is not."""
        check_segment(segment)
        return self.spans[segment]


def require_unseen_test(prepared: Prepared) -> None:
    """Refuse to judge on `test` with strategies that were bred on bars of it, in any fold."""
    seen = prepared.config.bred_until
    first = prepared.market.days[prepared.stretches[0].spans["test"].first].item()
    if seen is not None and seen >= first:
        raise BadConfig(
            f"test must begin after bred_until, {seen}, the last day on which strategies of "
            f"{prepared.config.name} were bred, was {first}. Move it, or breed them on earlier bars"
        )


def check_segment(segment: str) -> None:
    """Refuse a segment that no configuration has."""
    if segment not in SEGMENTS:
        raise UnknownName(f"segment must be one of {', '.join(SEGMENTS)}, was {segment!r}")


def prepare_experiment(config: ExperimentConfig) -> Prepared:
    """Load the market, ask the strategies, run the sleeves, and place the segments."""
    market = load_market(config.market)
    strategies = tuple(build(choice) for choice in config.strategies)
    check_history(strategies, market)
    heard = hear(config, strategies, market)
    history = bound(prepare(market, heard, config.desk, config.regime), config.tournament)
    if config.segments is not None:
        return Prepared(config, strategies, history, place_segments(market, config.segments))
    folds = _folds(config, strategies, market)
    return Prepared(config, strategies, history, folds[-1].spans, folds)


def _folds(
    config: ExperimentConfig, strategies: tuple[Strategy, ...], market: Market
) -> tuple[Fold, ...]:
    if config.folds is None:
        raise BadConfig("a configuration needs segments or folds, was neither")
    warmup = max(config.regime.warmup, *(each.warmup for each in strategies))
    return place_folds(market, config.folds, warmup, config.environment.episode_bars)


def hear(config: ExperimentConfig, strategies: Sequence[Strategy], market: Market) -> Signals:
    """Return what the desk hears of what the strategies want.

    There is no confidence in what the discovery leaves out; then the lessons are drawn.
    """
    signals = collect(strategies, market)
    if config.discovery is not None:
        signals = only_found(signals, market, config.discovery)
    return taught(market, signals, config.learning, config.desk, config.regime)


def place_segments(market: Market, segments: SegmentSettings) -> dict[str, Span]:
    """Return the bars of each segment.

    The embargo leaves out the first bars of `valid` and `test`: what was known and held just before
    a segment must not help in it (Lopez de Prado 2018, chapter 7).
    """
    spans, days = {}, market.days
    for name in SEGMENTS:
        segment = getattr(segments, name)
        inside = np.flatnonzero(
            (days >= np.datetime64(segment.start)) & (days <= np.datetime64(segment.end))
        )
        embargo = 0 if name == "fit" else segments.embargo_bars
        if inside.size < embargo + 2:
            raise BadConfig(
                f"segments.{name} needs at least {embargo + 2} bars, the embargo of {embargo} "
                f"included, was {inside.size} from {segment.start} to {segment.end}. The market "
                f"runs from {days[0]} to {days[-1]}"
            )
        spans[name] = Span(int(inside[0]) + embargo, int(inside[-1]))
    return spans
