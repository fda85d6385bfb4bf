"""The audit makes the news again from their items, and finds whoever knew one too early."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from benbot.envs.arrays import FloatArray, TimeArray
from benbot.envs.desk.rules import DeskRules
from benbot.envs.history import History, prepare
from benbot.envs.market import news_features
from benbot.envs.market.market import Market
from benbot.envs.market.news import NewsFeed, with_news
from benbot.envs.market.news_features import MOOD, NEWS_FEATURES, NOVELTY, Mentions
from benbot.envs.market.news_settings import SyntheticNews
from benbot.envs.market.regime import RegimeSettings
from benbot.envs.market.sources import load_feed
from benbot.envs.market.synthetic import load_synthetic, synthetic_feed
from benbot.envs.market.synthetic_source import SyntheticSource
from benbot.experiments.audit.audit import Effort, audit, examine
from benbot.experiments.audit.news import NewsProbe, otherwise
from benbot.experiments.audit.result import Finding, Findings, Probe
from benbot.experiments.audit.subject import Subject, subject_of
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.hearing import collect
from benbot.strategies.rules.news_diamond import NewsDiamond

SOURCE = SyntheticSource(
    seed=3,
    n_bars=350,
    n_symbols=6,
    n_sectors=2,
    news=SyntheticNews(items_per_year=120, reprinted=0.5, usual_bars=40),
)
REGIME = RegimeSettings(trend_window=10, volatility_window=5, volatility_history=20)
RULES = (NewsDiamond(),)
FIRST, CUTS = 150, tuple(range(160, 350, 21))


def history(market: Market) -> History:
    return prepare(market, collect(RULES, market), DeskRules(), REGIME)


def probed(feed: NewsFeed, market: Market) -> dict[str, Finding]:
    """Return what the probe of the news alone finds, by the name of the feature."""
    findings = Findings()
    probe = NewsProbe(feed, market, FIRST, findings)
    for n in CUTS:
        probe.probe(n)
    return {key.name: found for key, found in findings.first.items()}


def remade(feed: NewsFeed) -> Market:
    """Return the market of the source with its features made by this feed."""
    return with_news(replace(load_synthetic(SOURCE), features={}), feed)


class OneBarEarly(NewsFeed):
    """Publishes each item a bar before its time."""

    def features(self, timestamps: TimeArray, symbols: tuple[str, ...]) -> dict[str, FloatArray]:  # type: ignore[override]
        early = replace(self.table, time=self.table.time - np.timedelta64(1, "D"))
        return NewsFeed(early, self.scorer, self.settings).features(timestamps, symbols)


def early_feed() -> NewsFeed:
    feed = synthetic_feed(SOURCE)
    return OneBarEarly(feed.table, feed.scorer, feed.settings)


def test_lawful_news_do_not_leak() -> None:
    assert probed(synthetic_feed(SOURCE), load_synthetic(SOURCE)) == {}


def test_items_that_are_heard_a_bar_early_are_caught() -> None:
    feed = early_feed()
    found = probed(feed, remade(feed))
    assert set(found) == set(NEWS_FEATURES)
    assert found[MOOD].bar + FIRST + 1 in CUTS  # the last bar before a cut knew what came after it
    assert found[MOOD].probe in (Probe.TRUNCATE, Probe.CHANGE)


def test_the_whole_audit_tells_of_them_first_and_without_news_not_at_all() -> None:
    feed, effort = early_feed(), Effort(cuts=3, starts=0, orders=0)
    subject = Subject("news", RULES, history, regime=REGIME, feed=feed)
    result = examine(subject, remade(feed), effort)
    assert {row.text for row in result.leaks} == {f"news/{name}" for name in NEWS_FEATURES}
    assert result.rows[0].group == "news"  # causes first
    row = result.row(f"news/{MOOD}")
    assert row.bar is not None
    assert row.bar + 1 in result.cuts
    silent = examine(replace(subject, feed=None), remade(feed), effort)
    assert not any(row.group == "news" for row in silent.rows)


def test_features_that_were_shifted_behind_the_feeds_back_are_caught() -> None:
    market = load_synthetic(SOURCE)
    shifted = {name: np.roll(values, -1, axis=0) for name, values in market.features.items()}
    found = probed(synthetic_feed(SOURCE), replace(market, features=shifted))
    assert set(found) == set(NEWS_FEATURES)


def novelty_of_both_sides(mentions: Mentions, window: int) -> FloatArray:
    """Return how unlike all other headlines of the symbol each one is, also later ones."""
    new = np.ones(len(mentions.words))
    for i, words in enumerate(mentions.words):
        near = np.abs(mentions.bar - mentions.bar[i]) <= window
        for j in np.flatnonzero(near & (mentions.symbol == mentions.symbol[i])).tolist():
            if i != j:
                likeness = news_features.similarity(words, mentions.words[j])
                new[i] = min(new[i], 1.0 - likeness)
    return new


def test_a_novelty_that_looks_at_later_headlines_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(news_features, "novelty_of", novelty_of_both_sides)
    feed = synthetic_feed(SOURCE)
    assert set(probed(feed, remade(feed))) == {NOVELTY, MOOD}


@dataclass
class RankedByAll:
    """Scores a text by its rank among all texts that it is asked about at once."""

    inner: Callable[..., FloatArray]

    def __call__(self, texts: list[str]) -> FloatArray:
        scores = self.inner(texts)
        return scores.argsort().argsort() / len(texts)


def test_a_scorer_that_compares_with_later_texts_is_caught() -> None:
    feed = synthetic_feed(SOURCE)
    ranking = replace(feed, scorer=RankedByAll(feed.scorer))
    assert set(probed(ranking, remade(ranking))) == {MOOD}


def test_another_future_keeps_the_known_items_and_changes_all_others() -> None:
    table = synthetic_feed(SOURCE).table
    known = np.arange(table.n_items) < 100
    other = otherwise(table, known)
    assert other.n_items == table.n_items + (~known).sum()
    assert other.headline[:100] == table.headline[:100]
    assert (other.time[:100] == table.time[:100]).all()
    assert not set(other.headline[100:]) & set(table.headline)
    assert (other.time[100:] >= table.time[100]).all()
    assert otherwise(table, np.ones(table.n_items, np.bool_)).headline == table.headline


def test_the_configuration_with_news_has_no_leak() -> None:
    prepared = prepare_experiment(load_config("synthetic_news", ["market.n_bars=2520"]))
    assert subject_of(prepared).feed is not None
    assert load_feed(prepared.config.market, prepared.market) is not None
    result = audit(prepared, Effort(cuts=2, starts=1, orders=2))
    assert [row.sentence for row in result.leaks] == []
    assert f"news/{MOOD}" in {row.text for row in result.rows}
