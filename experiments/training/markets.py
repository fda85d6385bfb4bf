"""From `training:` of a configuration to markets that accounts learn on, ready and guarded."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from benbot.envs.errors import BadConfig
from benbot.envs.history import History, Span, prepare
from benbot.envs.market.block_bootstrap import bootstrap
from benbot.envs.market.market import Market
from benbot.envs.market.synthetic import load_synthetic
from benbot.envs.market.synthetic_ranges import Range, drawn_values
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.envs.mixture import Part
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.mixture import (
    BootstrapMarkets,
    FitMarket,
    SyntheticMarkets,
    TrainingSettings,
    name_of,
    names_of,
    shared_accounts,
    source_of,
    words_of,
)
from benbot.experiments.training.preparation import Prepared, hear
from benbot.experiments.verdict.held_out import HeldOut, summary_digest
from benbot.strategies.hearing import check_history
from benbot.strategies.tournament.binding import bound

if TYPE_CHECKING:
    from benbot.experiments.progress import Display
    from benbot.experiments.tracking.tracker import Run

FILE = "training_markets.json"


@dataclass(frozen=True, eq=False)
class Source:
    """A market to learn on, before anybody has traded on it.

    made_of   the bars that went in: what came from nowhere else is made of itself
    span      the bars of `market` that are learned from
    """

    name: str
    made_of: Market
    market: Market
    span: Span

    @cached_property
    def learned(self) -> Market:
        """The bars that accounts trade in."""
        return self.market.between(self.span.first, self.span.last + 1)

    @property
    def known(self) -> Market:
        """The bars that anything seen while trading can be made of, the warm-up included."""
        return self.market.until(self.span.last + 1)


@dataclass(frozen=True, eq=False)
class Mixture:
    """The markets of one stretch with their accounts; empty where `fit` is the only one."""

    sources: tuple[Source, ...] = ()
    parts: tuple[Part, ...] = ()

    def log(self, run: "Run", fold: Fold) -> None:
        """Record what was learned from: each market as an input of the run, and all in a file."""
        if not self.parts:
            return
        for source in self.sources:
            run.log_dataset(source.learned, fold.named(f"training {source.name}"))
        run.log_file(f"{fold.prefix}{FILE}", json.dumps(self.described, indent=1) + "\n")

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """Return what each market is, by digests that can be made again from it."""
        return [
            {
                "name": part.name,
                "accounts": part.n_envs,
                "source": source.market.origin.source,
                "notes": source.market.origin.notes,
                "first": str(source.learned.days[0]),
                "last": str(source.learned.days[-1]),
                "bars": source.learned.n_bars,
                "symbols": source.learned.n_symbols,
                "digest": source.learned.digest,
                "history_digest": part.history.digest,
                "made_of_digest": summary_digest(source.made_of),
                "made_of_last": str(source.made_of.days[-1]),
            }
            for source, part in zip(self.sources, self.parts, strict=True)
        ]


class Mixtures:
    """The mixture of each fold; the last one asked for is kept, so that all its seeds share it."""

    def __init__(self, prepared: Prepared, display: "Display") -> None:
        self.prepared, self.display = prepared, display
        self._kept: dict[int, Mixture] = {}
        # Synthetic markets are those of every fold.
        self._histories: dict[str, History] = {}

    def of(self, fold: Fold) -> Mixture:
        """Return the markets of a fold, guarded and prepared."""
        training = self.prepared.config.training
        if training is None:
            return Mixture()
        if fold.number not in self._kept:
            self._kept.clear()
            self._kept[fold.number] = self._prepare(training, fold)
        return self._kept[fold.number]

    def _prepare(self, training: TrainingSettings, fold: Fold) -> Mixture:
        accounts = shared_accounts(training, self.prepared.config.agent.n_envs)
        task = self.display.begin(f"Preparing {fold.named('training markets')}", len(accounts))
        held_out = HeldOut.of(self.prepared.market, fold.spans["fit"].last)
        sources, parts = [], []
        for source in sources_of(self.prepared, training, fold):
            held_out.refuse(source.name, source.made_of, source.known)
            history = self._history(source)
            parts.append(Part(source.name, history, source.span, accounts[source.name]))
            sources.append(source)
            self.display.move(task, len(parts), source.name)
        self.display.console.print(_shares(training, accounts), highlight=False)
        return Mixture(tuple(sources), tuple(parts))

    def _history(self, source: Source) -> History:
        prepared = self.prepared
        if source.market is prepared.market:
            return prepared.history
        if source.name in self._histories:
            return self._histories[source.name]
        config, strategies = prepared.config, prepared.strategies
        check_history(strategies, source.market)
        signals = hear(config, strategies, source.market)
        alone = prepare(source.market, signals, config.desk, config.regime)
        history = bound(alone, config.tournament)
        if source.made_of is source.market:
            self._histories[source.name] = history
        return history


def sources_of(prepared: Prepared, training: TrainingSettings, fold: Fold) -> Iterator[Source]:
    """Yield the markets of a fold, made of nothing after its `fit`."""
    for entry in training.markets:
        for i, name in enumerate(names_of(entry)):
            match entry:
                case FitMarket():
                    yield _fit(prepared, name, fold.spans["fit"])
                case BootstrapMarkets():
                    words = words_of(training, entry, i)
                    yield _redrawn(prepared, name, fold.spans["fit"], entry.block, words)
                case SyntheticMarkets():
                    yield _synthetic(prepared, name, source_of(training, entry, i), entry.ranges)


def _shares(training: TrainingSettings, accounts: Mapping[str, int]) -> str:
    """Return how many accounts each entry has, for a person."""
    shares = []
    for entry in training.markets:
        own = sum(accounts[name] for name in names_of(entry))
        shares.append(f"{name_of(entry)} {own}{f' ({entry.n} markets)' if entry.n > 1 else ''}")
    return f"  {sum(accounts.values())} accounts: {', '.join(shares)}"


def _fit(prepared: Prepared, name: str, fit: Span) -> Source:
    market = prepared.market
    return Source(name, market.between(fit.first, fit.last + 1), market, fit)


def _redrawn(
    prepared: Prepared, name: str, fit: Span, block: int, words: tuple[int, ...]
) -> Source:
    """Return a bootstrap of `fit` and the bars before it that signals need at its beginning."""
    market, session = prepared.market, prepared.market.session
    n_sessions = np.unique(session[fit.first : fit.last + 1]).size
    if block > n_sessions:
        raise BadConfig(
            f"training.markets: block of {name} must be at most the {n_sessions} sessions of fit, "
            f"was {block}. Shorten the block"
        )
    begin = int(np.searchsorted(session, session[max(0, fit.first - _warmup(prepared))]))
    known = market.between(begin, fit.last + 1)
    least = 1 + max(strategy.warmup for strategy in prepared.strategies)
    redrawn = bootstrap(known, block, np.random.default_rng(words), least)
    origin = replace(redrawn.origin, source=f"{market.origin.source}, {name}, block {block}")
    own = Span(fit.first - begin, fit.last - begin)
    return Source(name, known, replace(redrawn, origin=origin), own)


def _synthetic(
    prepared: Prepared, name: str, source: SyntheticSource, ranges: Mapping[str, Range]
) -> Source:
    if np.unique(prepared.market.session).size < prepared.market.n_bars:
        raise BadConfig(
            f"training.markets: {name} has one bar a session, and so must the experiment's own "
            f"market, which has more. Leave source: synthetic out"
        )
    warmup, episode = _warmup(prepared), prepared.config.environment.episode_bars
    if source.n_bars <= warmup + episode:
        raise BadConfig(
            f"training.markets: {name} needs more than {warmup + episode} bars, a warm-up of "
            f"{warmup} and an episode of {episode}, was {source.n_bars}. Raise its n_bars"
        )
    drawn = tuple(f"{key} {value:.6g}" for key, value in drawn_values(source, ranges).items())
    market = load_synthetic(source)
    market = replace(market, origin=replace(market.origin, notes=drawn))
    return Source(name, market, market, Span(warmup, source.n_bars - 1))


def _warmup(prepared: Prepared) -> int:
    """Return the bars until the regime is known and every strategy may have an opinion."""
    return max(prepared.config.regime.warmup, *(each.warmup for each in prepared.strategies))
