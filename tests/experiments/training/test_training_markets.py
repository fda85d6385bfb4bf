"""The markets of a training are made of `fit` alone, once for all seeds, and are on record."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import BadConfig
from benbot.envs.history import Span
from benbot.envs.market.block_bootstrap import rebuilt
from benbot.envs.market.market import Market
from benbot.experiments.audit.audit import Effort, audit
from benbot.experiments.config import load_config
from benbot.experiments.progress import Display
from benbot.experiments.training import markets as training_markets
from benbot.experiments.training import training as training_module
from benbot.experiments.training.markets import Mixtures, Source, sources_of
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.verdict.held_out import summary_digest

MARKETS = (
    "training.markets=[{source: fit, weight: 2}, {source: bootstrap, block: 20, n: 2, weight: 4}, "
    "{source: synthetic, n: 1, weight: 2, n_bars: 700, n_symbols: 5, n_sectors: 2, "
    "ranges: {spread: [0.0002, 0.001]}}]"
)
FOLDS = (
    "segments=null",
    "folds={n: 2, fit_bars: 400, valid_bars: 100, test_bars: 100, embargo_bars: 5}",
)
NAMES = ["fit", "bootstrap 1", "bootstrap 2", "synthetic 1"]


@pytest.fixture(scope="module")
def prepared(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(workshop.config, [MARKETS]))


@pytest.fixture(scope="module")
def folded(workshop: Any) -> Prepared:  # noqa: ANN401
    return prepare_experiment(load_config(workshop.config, [MARKETS, *FOLDS]))


def with_config(prepared: Prepared, workshop: Any, *overrides: str) -> Prepared:  # noqa: ANN401
    return replace(prepared, config=load_config(workshop.config, overrides))


def sources(prepared: Prepared) -> list[Source]:
    training = prepared.config.training
    assert training is not None
    return list(sources_of(prepared, training, prepared.stretches[0]))


def mixtures(prepared: Prepared) -> Mixtures:
    return Mixtures(prepared, Display(Console(quiet=True)))


def changed(market: Market, bars: slice) -> Market:
    """Return the market with every price of these bars 3 % higher than it was, or less."""
    factor = np.ones((market.n_bars, 1))
    factor[bars] = np.linspace(1.03, 1.001, factor[bars].size)[:, None]
    prices = ("open", "high", "low", "close")
    return replace(market, **{name: getattr(market, name) * factor for name in prices})


def learned(prepared: Prepared, market: Market) -> list[str]:
    """Return the digests of what is learned from if this were the experiment's market."""
    other = replace(prepared, history=replace(prepared.history, market=market))
    return [source.learned.digest for source in sources(other)]


def test_no_price_after_fit_changes_anything(prepared: Prepared) -> None:
    market, last = prepared.market, prepared.spans["fit"].last
    before = learned(prepared, market)
    assert len(set(before)) == 4
    assert learned(prepared, changed(market, slice(last + 1, None))) == before
    inside = learned(prepared, changed(market, slice(last, last + 1)))
    assert [now == then for now, then in zip(inside, before, strict=True)] == [
        False,
        False,
        False,
        True,
    ]


def test_only_fit_and_its_warm_up_are_drawn_from(folded: Prepared) -> None:
    fit, market = folded.folds[0].spans["fit"], folded.market
    warmup = max(folded.config.regime.warmup, *(each.warmup for each in folded.strategies))
    begin = fit.first - warmup
    assert begin > 0
    drawn = sources(folded)[1]
    assert drawn.made_of.digest == market.between(begin, fit.last + 1).digest
    assert learned(folded, changed(market, slice(0, begin))) == learned(folded, market)
    within = learned(folded, changed(market, slice(begin, begin + 1)))
    assert within[1:3] != learned(folded, market)[1:3]


def test_a_redrawn_market_is_traded_on_the_dates_of_fit(prepared: Prepared) -> None:
    fit = prepared.spans["fit"]
    own, *drawn, synthetic = sources(prepared)
    assert own.span == fit
    for source in drawn:
        np.testing.assert_array_equal(source.learned.timestamps, own.learned.timestamps)
    assert [source.name for source in (own, *drawn, synthetic)] == NAMES
    assert synthetic.market.n_symbols == 5


def test_markets_are_prepared_once_for_a_fold_and_synthetic_ones_once_for_all(
    folded: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    count, own = [], training_markets.prepare
    monkeypatch.setattr(
        training_markets, "prepare", lambda *given: count.append(given) or own(*given)
    )
    made = mixtures(folded)
    first, second = (made.of(fold) for fold in folded.folds)
    assert made.of(folded.folds[1]) is second
    assert len(count) == 5
    for mixture in (first, second):
        assert [part.name for part in mixture.parts] == NAMES
        assert [part.n_envs for part in mixture.parts] == [2, 2, 2, 2]
    assert first.parts[3].history is second.parts[3].history
    assert first.parts[0].history is second.parts[0].history is folded.history
    redrawn = [mixture.sources[1] for mixture in (first, second)]
    assert redrawn[0].learned.digest != redrawn[1].learned.digest
    for source, fold in zip(redrawn, folded.folds, strict=True):
        assert source.made_of.days[-1] == folded.market.days[fold.spans["fit"].last]


@pytest.mark.parametrize("segment", ["valid", "test"])
def test_a_mixture_that_leaks_is_refused_before_anything_is_learned(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, segment: str
) -> None:
    """Whoever draws from a bar of a later segment, and whatever name it has, is seen."""
    market, fit = prepared.market, prepared.spans["fit"]
    until = prepared.spans[segment].first + 1

    def leaking(*given: object) -> Source:
        return Source("bootstrap 1", market.until(until), market, fit)

    monkeypatch.setattr(training_markets, "_redrawn", leaking)
    with pytest.raises(BadConfig, match="bootstrap 1 must be made of no bar after fit, was"):
        mixtures(prepared).of(prepared.stretches[0])


def test_a_leak_in_the_warm_up_of_a_training_market_is_one_too(
    folded: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = folded.folds[0]
    fit, last = fold.spans["fit"], folded.market.n_bars - 1

    def leaking(*given: object) -> Source:
        known = folded.market.until(fit.last + 1)
        bars = np.arange(folded.market.n_bars)
        bars[fit.first - 100] = last
        return Source("bootstrap 1", known, rebuilt(folded.market, bars).until(fit.last + 1), fit)

    monkeypatch.setattr(training_markets, "_redrawn", leaking)
    with pytest.raises(BadConfig, match="bootstrap 1 must hold no bar after fit, was 1 of them"):
        mixtures(folded).of(fold)


def test_a_bar_of_the_embargo_is_held_out_too(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = prepared.spans["fit"]
    assert fit.last + 2 < prepared.spans["valid"].first
    longer = Span(fit.first, fit.last + 1)
    wrong = replace(prepared, spans=prepared.spans | {"fit": longer})
    held_out = training_markets.HeldOut.of
    monkeypatch.setattr(
        training_markets.HeldOut, "of", lambda market, last: held_out(market, fit.last)
    )
    with pytest.raises(BadConfig, match="training market fit must be made of no bar after fit"):
        mixtures(wrong).of(wrong.stretches[0])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("[{source: bootstrap, block: 700}]", "block of bootstrap 1 must be at most the 650 sess"),
        (
            "[{source: synthetic, n_bars: 300}]",
            "synthetic 1 needs more than 333 bars, a warm-up of",
        ),
    ],
)
def test_what_does_not_fit_the_market_is_refused(
    prepared: Prepared,
    workshop: Any,  # noqa: ANN401
    override: str,
    said: str,
) -> None:
    with pytest.raises(BadConfig, match=said):
        sources(with_config(prepared, workshop, f"training.markets={override}"))


def test_days_are_not_mixed_with_bars_within_the_day(prepared: Prepared) -> None:
    within = replace(prepared.market, session=np.arange(prepared.market.n_bars) // 2)
    with pytest.raises(BadConfig, match="synthetic 1 has one bar a session, and so must the"):
        learned(prepared, within)


def names_of_inputs(run: Any) -> Sequence[str]:  # noqa: ANN401
    inputs = run._read().inputs.dataset_inputs
    return [tag.value for each in inputs for tag in each.tags]


def test_a_training_says_what_it_learned_from(workshop: Any, monkeypatch: Any) -> None:  # noqa: ANN401
    once = Effort(1, 1, 1)
    monkeypatch.setattr(training_module, "audit", lambda prepared, effort: audit(prepared, once))
    said = workshop.train(MARKETS, "agent.total_steps=512", "baselines=[cash]", sealed=True)
    assert said.count("Preparing training markets") == 1
    assert "8 accounts: fit 2, bootstrap 4 (2 markets), synthetic 2" in said
    run_id = said.partition("Run       ")[2].split()[0]
    parent = workshop.tracker.find_run(run_id)
    for run in (parent, workshop.children(run_id)["seed 0"]):
        contexts = names_of_inputs(run)
        assert {f"training {name}" for name in NAMES[1:]} <= set(contexts)
        listed = json.loads(run.read_file("training_markets.json"))
        assert [each["name"] for each in listed] == NAMES
        assert [each["accounts"] for each in listed] == [2, 2, 2, 2]
    assert listed[3]["notes"][0].startswith("spread 0.000")
    prepared = prepare_experiment(load_config(workshop.config, [MARKETS]))
    again = sources(prepared)
    assert [each["digest"] for each in listed] == [source.learned.digest for source in again]
    assert [each["made_of_digest"] for each in listed] == [
        summary_digest(source.made_of) for source in again
    ]
