"""Real prices through the paper loop end as in the environment, to the last digit."""

from pathlib import Path

import pytest

from benbot.agents.roster import MAKERS
from benbot.envs.history import Span
from benbot.experiments.config import load_config
from benbot.experiments.training.preparation import prepare_experiment
from benbot.paper.replayed import Stretch
from tests.paper.replays import assert_parity

YEAR = 252
POLICIES = ("random", "regime_record")


def stretch_of(config: str, overrides: list[str], name: str, bars: int | None) -> Stretch:
    prepared = prepare_experiment(load_config(config, overrides))
    first, last = prepared.spans["fit"].first, prepared.spans["test"].last
    if bars is not None:
        first = prepared.spans["valid"].first
        last = first + bars
    span = Span(first, last)
    policy = MAKERS[name](prepared.history, span, prepared.spans["fit"])
    return Stretch(prepared.history, span, policy, prepared.config.environment.ruin)


@pytest.mark.nightly
@pytest.mark.parametrize("policy", POLICIES)
def test_a_year_of_twenty_stocks_ends_to_the_cent(policy: str, folder: Path) -> None:
    tables = assert_parity(stretch_of("sp500_20", [], policy, YEAR), folder)
    assert len(tables["equity"]) == YEAR + 1
    assert len(tables["bookings"]) > YEAR


@pytest.mark.nightly
@pytest.mark.shared_data
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("bar", ["15min", "1min"])
def test_six_sessions_of_minutes_end_to_the_cent(
    policy: str, bar: str, shared_data: Path, folder: Path
) -> None:
    overrides = [
        f"market.path={shared_data / 'us_minute_trades.parquet'}",
        f"market.quotes={shared_data / 'us_minute_quotes.parquet'}",
        f"market.resample={bar}",
    ]
    tables = assert_parity(stretch_of("us_minutes", overrides, policy, None), folder)
    assert len(tables["bookings"]) > 30
