"""A search for newcomers knows nothing of later bars, and answers the same again."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benbot.envs.desk.rules import DeskRules
from benbot.envs.market.market import Market
from benbot.evolution.orchestration import asking
from benbot.evolution.orchestration.asking import Land, Wish, ask, first_bar
from benbot.evolution.orchestration.members import Origin
from benbot.evolution.settings import EvolutionSettings, PoolSettings
from benbot.evolution.workers import alone
from benbot.strategies.programs.features import FEATURES
from tests.evolution.orchestration.fakes import REGIME, SETTINGS, changed, market_of, member

BAR = 120
SEARCH = EvolutionSettings(
    population=12, generations=2, islands=1, least_trades=2, pool=PoolSettings(every=1, certainty=0)
)
OWN = changed(SETTINGS, search=SEARCH)


def land(market: Market, folder: Path) -> Land:
    return Land(market, DeskRules(), REGIME, alone, folder)


def test_a_search_sees_no_fact_that_there_is_only_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def searched(wish: Wish, land: Land, own: object, bred: tuple[Any, ...]) -> Any:  # noqa: ANN401
        asked.append(bred[0].language.features)
        return SimpleNamespace(is_over=True, n_tried=0, pool=SimpleNamespace(members=[]))

    monkeypatch.setattr(asking, "_search", searched)
    market = market_of()
    volume = np.full(market.close.shape, np.nan)
    volume[BAR + 1 :] = 1000.0
    for at in (BAR, BAR + 1):
        ask(Wish(0, at), land(replace(market, volume=volume), tmp_path), OWN, 1)
    needing = {name for name, feature in FEATURES.items() if feature.needs == "volume"}
    assert not needing & set(asked[0])
    assert needing <= set(asked[1])


def test_a_search_answers_the_same_again_whatever_comes_later(tmp_path: Path) -> None:
    assert first_bar(OWN, REGIME) <= BAR
    market = market_of()
    close = market.close.copy()
    close[BAR + 1 :] *= 2.0
    other = replace(market, **dict.fromkeys(("open", "high", "low", "close"), close))
    parents = (member(3), member(5))
    for wish in (Wish(2, BAR, 4), Wish(1, BAR, None, parents)):
        first = ask(wish, land(market, tmp_path), OWN, 1)
        assert first == ask(wish, land(other, tmp_path), OWN, 1)
        assert first.n_tried <= OWN.price
        assert first.members or first.why
        origin = Origin.BRED if wish.parents else Origin.DISCOVERED
        assert {each.origin for each in first.members} <= {origin}
        assert all(each.born == BAR for each in first.members)
    ledgers = sorted(path.name for path in tmp_path.glob("*.jsonl"))
    assert ledgers == ["search-1.jsonl", "search-2.jsonl"]


def test_who_has_died_out_costs_what_was_tried(tmp_path: Path) -> None:
    greedy = changed(OWN, search=SEARCH.model_copy(update={"least_trades": 10_000}))
    answer = ask(Wish(0, BAR), land(market_of(), tmp_path), greedy, 1)
    assert answer.members == ()
    assert answer.n_tried == SEARCH.population
    assert "10000 round trips on fit" in answer.why
