"""A configuration says on which markets an agent learns; what cannot be is refused."""

import re
from collections.abc import Sequence

import pytest

from benbot.envs.errors import BadConfig
from benbot.experiments.config import ExperimentConfig, load_config
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.training.mixture import (
    SyntheticMarkets,
    TrainingSettings,
    names_of,
    shared_accounts,
    source_of,
)

MIXED = (
    "training.markets=[{source: fit, weight: 0.4}, {source: bootstrap, weight: 0.4, n: 2}, "
    "{source: synthetic, weight: 0.2, n: 2, ranges: {spread: [0.0002, 0.001]}}]"
)


def mixed(*overrides: str) -> ExperimentConfig:
    return load_config("quickstart", [MIXED, *overrides])


def settings(markets: Sequence[dict[str, object]], seed: int = 0) -> TrainingSettings:
    return TrainingSettings.model_validate({"markets": markets, "seed": seed})


def test_a_configuration_without_it_is_written_and_digested_as_before() -> None:
    plain = load_config("quickstart")
    assert plain.training is None
    assert config_digest(plain) == "aa93a74fc2419a61"
    assert "training" not in resolved_yaml(plain)
    assert not [key for key in flat_config(plain) if key.startswith("training")]


def test_a_configuration_with_it_can_be_written_and_read_again(tmp_path: object) -> None:
    config = mixed("training.seed=3")
    path = f"{tmp_path}/mixed.yaml"
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(resolved_yaml(config))
    assert load_config(path) == config
    digests = {config_digest(each) for each in (load_config("quickstart"), mixed(), config)}
    assert len(digests) == 3


def test_accounts_are_shared_by_the_largest_remainder() -> None:
    """Of 10: shares of 4, 1.5, 1.5, 1.5 and 1.5; the names that come first have what is left."""
    markets = settings([{"source": "fit", "weight": 4}, {"source": "bootstrap", "weight": 6}])
    assert shared_accounts(markets, 10) == {
        "fit": 4,
        "bootstrap 1": 2,
        "bootstrap 2": 2,
        "bootstrap 3": 1,
        "bootstrap 4": 1,
    }


def test_shares_are_exact_and_do_not_depend_on_the_order_or_the_sum_of_the_weights() -> None:
    fit = {"source": "fit", "weight": 0.7}
    drawn = {"source": "bootstrap", "weight": 0.3, "n": 3}
    for n_envs in range(13, 200, 7):
        shares = shared_accounts(settings([fit, drawn]), n_envs)
        assert sum(shares.values()) == n_envs
        assert shared_accounts(settings([drawn, fit]), n_envs) == shares
        assert abs(shares["fit"] - 0.7 * n_envs) < 1.0
        heavier = [each | {"weight": 8 * each["weight"]} for each in (fit, drawn)]  # type: ignore[operator]
        assert shared_accounts(settings(heavier), n_envs) == shares


def test_synthetic_markets_are_a_function_of_the_seed_their_name_and_their_number() -> None:
    entry = {"source": "synthetic", "n": 3, "ranges": {"spread": [0.0, 0.001]}}
    one, longer = settings([entry]), settings([{"source": "fit"}, entry | {"n": 5, "weight": 9}])

    def drawn(training: TrainingSettings, n: int) -> list[object]:
        markets = training.markets[-1]
        assert isinstance(markets, SyntheticMarkets)
        return [source_of(training, markets, i) for i in range(n)]

    assert drawn(one, 3) == drawn(longer, 5)[:3]
    assert len({str(each) for each in drawn(longer, 5)}) == 5
    assert drawn(settings([entry], seed=1), 3) != drawn(one, 3)
    assert drawn(settings([entry | {"label": "calm"}]), 3) != drawn(one, 3)
    assert names_of(longer.markets[1]) == [f"synthetic {i}" for i in range(1, 6)]


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("[{source: fit, weight: 0}]", "markets: weights must sum to something positive, was 0"),
        ("[{source: fit, weight: -1}]", "markets[0].weight must be greater than or equal to 0"),
        ("[{source: bootstrap, block: 0}]", "markets[0].block must be greater than or equal to 1"),
        ("[{source: bootstrap, n: 0}]", "markets[0].n must be greater than or equal to 1, was 0"),
        ("[{source: fit}, {source: fit}]", "was twice: fit. Give one of them a label"),
        (
            "[{source: fit, label: bootstrap 2}, {source: bootstrap}]",
            "was twice: bootstrap 2. Give",
        ),
        ("[{source: fit, blok: 1}]", "markets[0].blok is no key; there are source, weight, label"),
        ("[{source: bootstrp}]", "markets[0].source must be one of 'fit', 'bootstrap', 'synth"),
        ("[]", "markets must have at least 1 item(s), was []"),
        ("[{source: synthetic, seed: 4}]", "the seed of training markets is training.seed"),
        (
            "[{source: synthetic, ranges: {spraed: [0, 0.001]}}]",
            "markets[0]: range must be one that exists, was 'spraed'. Did you mean spread?",
        ),
        (
            "[{source: synthetic, ranges: {spread: [0.001, 0]}}]",
            "markets[0]: spread needs low <= high, was low=0.001 high=0",
        ),
        (
            "[{source: synthetic, ranges: {spread: [0.001]}}]",
            "markets[0].ranges.spread[1] is needed, was not given",
        ),
        (
            "[{source: synthetic, garch_shock: 0.1, garch_memory: 0.85, n: 9, "
            "ranges: {garch_shock: [0.1, 0.14], garch_memory: [0.85, 0.89]}}]",
            "training: garch_shock + garch_memory must be below 1",
        ),
        (
            "[{source: fit, weight: 10}, {source: bootstrap, weight: 0.1, n: 2}]",
            "each of 3 training markets needs an account, was 64 accounts (agent.n_envs) and none "
            "for bootstrap 1, bootstrap 2, whose share is 0.32",
        ),
        (
            "[{source: bootstrap, n: 100}]",
            "each of 100 training markets needs an account, was 64 accounts (agent.n_envs) and "
            "none for bootstrap 65, bootstrap 66, bootstrap 67, whose share is 0.64. Raise",
        ),
    ],
)
def test_markets_that_cannot_be_are_refused(override: str, said: str) -> None:
    with pytest.raises(BadConfig, match=re.escape(said)) as caught:
        load_config("quickstart", [f"training.markets={override}"])
    assert "\n" not in str(caught.value)


def test_a_rule_about_news_needs_them_in_synthetic_markets_too() -> None:
    markets = "training.markets=[{source: fit}, {source: synthetic%s}]"
    with pytest.raises(BadConfig, match="news_diamond needs news in every market, was without in"):
        load_config("synthetic_news", [markets % ""])
    assert load_config("synthetic_news", [markets % ", news: {}"]).training is not None
