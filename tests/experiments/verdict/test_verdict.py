"""The rule of the three words, its error rates on made accounts, and what would decide."""

import numpy as np
import pytest
from scipy.stats import norm, t

from benbot.envs.arrays import FloatArray
from benbot.envs.errors import InvalidParameter
from benbot.experiments.report.curves import Curves
from benbot.experiments.verdict.need import needed as needed_for
from benbot.experiments.verdict.resampling import Resampled, resample
from benbot.experiments.verdict.ruling import SMALLEST_EFFECT, Word, claims_on, word_of
from benbot.experiments.verdict.statistics import simple_returns
from benbot.experiments.verdict.verdict import (
    Family,
    RunVerdict,
    judge,
    rule,
    verdict_as_json,
    verdict_from_json,
)
from benbot.strategies.sharpe import Track, power

YEARLY, N_BARS = 252.0, 504
TRIED = Family(1, float("nan"), np.zeros((N_BARS, 1)), 1)
HISTORIES = 200


def equity_of(growth: FloatArray) -> FloatArray:
    return 1e5 * np.exp(np.concatenate([[0.0], np.cumsum(growth)]))


def curves_of_growth(
    agents: FloatArray, baselines: dict[str, FloatArray], fold: FloatArray | None = None
) -> Curves:
    """Return accounts from log growth a bar, agents (S, T)."""
    n_bars = agents.shape[1]
    days = np.datetime64("2020-01-01", "ns") + np.arange(n_bars + 1) * np.timedelta64(1, "D")
    return Curves(
        YEARLY,
        days,
        np.zeros(n_bars + 1, np.int64) if fold is None else fold,
        {seed: equity_of(own) for seed, own in enumerate(agents)},
        {name: equity_of(own) for name, own in baselines.items()},
    )


def judged(curves: Curves, family: Family = TRIED, repetitions: int = 400) -> RunVerdict:
    return rule(curves, family, repetitions=repetitions)


def needed(found: Resampled, n_bars: int, n_seeds: int, n_tests: int) -> tuple[float, float]:
    return needed_for(found, n_bars, n_seeds, claims_on(float(found.mean), n_tests))


def made(rng: np.random.Generator, edge: float = 0.0) -> Curves:
    """Return an agent of three seeds that is a baseline, some noise of its own, and an edge a bar.

    Its difference to the baseline has a deviation of 0.005 a bar, nearly the same in every seed.
    """
    baseline = rng.normal(3e-4, 0.01, N_BARS)
    noise = rng.normal(edge, 0.005, N_BARS) + rng.normal(0.0, 0.0005, (3, N_BARS))
    return curves_of_growth(baseline + noise, {"rule": baseline})


@pytest.mark.parametrize(
    ("p_value", "low", "high", "word"),
    [
        (0.01, 0.001, 0.2, Word.BEATS),
        (0.01, 0.0001, 0.005, Word.BEATS),
        (0.06, 0.001, 0.2, Word.UNDECIDED),
        (0.01, -0.001, 0.2, Word.UNDECIDED),
        (0.5, -0.1, 0.1, Word.UNDECIDED),
        (0.5, -0.1, 0.009, Word.DOES_NOT_BEAT),
        (1.0, -0.2, -0.1, Word.DOES_NOT_BEAT),
        (float("nan"), 0.0, 0.0, Word.DOES_NOT_BEAT),
        (float("nan"), float("nan"), float("nan"), Word.UNDECIDED),
        (float("nan"), 0.1, 0.2, Word.UNDECIDED),
    ],
)
def test_the_three_words(p_value: float, low: float, high: float, word: Word) -> None:
    assert word_of(p_value, low, high) is word


def test_noise_is_said_to_beat_in_less_than_one_history_of_twenty() -> None:
    rng = np.random.default_rng(11)
    words = [judged(made(rng)).rulings[0].word for _ in range(HISTORIES)]
    assert words.count(Word.BEATS) <= HISTORIES // 20


def test_a_true_edge_is_found_as_often_as_its_power_says() -> None:
    """An interval above 0 asks more than p < 0.05: it is a test of one side at 0.025."""
    ratio = 0.125  # of the difference, a bar
    expected = power(Track(ratio, N_BARS), ratio, level=0.025)
    assert 0.75 < expected < 0.85
    rng = np.random.default_rng(12)
    words = [judged(made(rng, ratio * 0.005)).rulings[0].word for _ in range(HISTORIES)]
    error = np.sqrt(expected * (1.0 - expected) / HISTORIES)
    assert words.count(Word.BEATS) / HISTORIES == pytest.approx(expected, abs=3.0 * error)
    assert Word.DOES_NOT_BEAT not in words


def test_among_many_baselines_noise_beats_none_of_them_more_often_than_one_alone() -> None:
    rng = np.random.default_rng(13)
    wrong, histories = 0, HISTORIES // 2
    for _ in range(histories):
        rules = {f"rule {i}": rng.normal(0.0, 0.01, N_BARS) for i in range(8)}
        found = judged(curves_of_growth(rng.normal(0.0, 0.01, (1, N_BARS)), rules), repetitions=200)
        wrong += any(one.word is Word.BEATS for one in found.rulings)
    assert wrong <= 0.05 * histories + 3.0 * np.sqrt(0.05 * 0.95 * histories)


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_the_luck_of_a_few_seeds_is_not_taken_for_skill(n_seeds: int) -> None:
    """In truth the seeds are 0 ahead on average, and differ by more than the bars do."""
    rng = np.random.default_rng(14)
    words = []
    for _ in range(HISTORIES):
        luck = rng.normal(0.0, 0.001, (n_seeds, 1))
        noise = rng.normal(0.0, 0.005, N_BARS)
        curves = curves_of_growth(luck + noise, {"rule": np.zeros(N_BARS)})
        words.append(judged(curves, repetitions=200).rulings[0].word)
    assert words.count(Word.BEATS) <= HISTORIES // 20


def test_an_agent_that_is_the_baseline_does_not_beat_it() -> None:
    same = np.random.default_rng(0).normal(0.0, 0.01, (1, N_BARS))
    (ruling,) = judged(curves_of_growth(same, {"itself": same[0]})).rulings
    assert (ruling.word, ruling.growth) == (Word.DOES_NOT_BEAT, 0.0)


def test_an_account_that_lost_everything_decides_nothing_for_the_others() -> None:
    rng = np.random.default_rng(0)
    curves = made(rng, 0.002)
    ruined = curves.baselines["rule"].copy()
    ruined[300:] = 0.0
    both = Curves(
        YEARLY, curves.timestamps, curves.fold, curves.agents, {"bad": ruined, **curves.baselines}
    )
    bad, rule = judged(both).rulings
    assert bad.word is Word.UNDECIDED
    assert np.isnan([bad.growth, bad.p_value, bad.bars_needed]).all()
    assert rule.word is Word.BEATS


def test_a_seed_that_lost_everything_beats_nothing_that_did_not() -> None:
    curves = made(np.random.default_rng(0), 0.002)
    lost = curves.agents[1].copy()
    lost[300:] = 0.0
    rule = curves.baselines["rule"]
    unknown = np.where(np.arange(rule.size) == 7, np.nan, rule)
    baselines = {"rule": rule, "ruined too": lost, "unknown": unknown}
    both = Curves(YEARLY, curves.timestamps, curves.fold, {**curves.agents, 1: lost}, baselines)
    found = judged(both)
    assert [one.word for one in found.rulings] == [
        Word.DOES_NOT_BEAT,
        Word.UNDECIDED,
        Word.UNDECIDED,
    ]
    first = found.rulings[0]
    assert (first.growth, first.low, first.high) == (-np.inf, -np.inf, -np.inf)
    assert first.p_value == 1.0
    assert found.ruined == (1,)
    assert np.isnan(found.rulings[1].growth)
    again = verdict_from_json(verdict_as_json(found))
    assert repr(again) == repr(found)


def test_an_agent_whose_worth_is_unknown_is_undecided() -> None:
    curves = made(np.random.default_rng(0), 0.002)
    unknown = curves.agents[1].copy()
    unknown[300] = np.nan
    agents = {**curves.agents, 1: unknown}
    found = judged(Curves(YEARLY, curves.timestamps, curves.fold, agents, curves.baselines))
    assert found.rulings[0].word is Word.UNDECIDED
    assert found.ruined == ()


def test_the_oracle_is_no_baseline() -> None:
    curves = made(np.random.default_rng(0))
    more = {"oracle": curves.baselines["rule"], **curves.baselines}
    found = judged(Curves(YEARLY, curves.timestamps, curves.fold, curves.agents, more))
    assert [one.baseline for one in found.rulings] == ["rule"]


def test_seeds_that_differ_widen_the_interval_and_one_seed_has_time_alone() -> None:
    rng = np.random.default_rng(1)
    baseline = rng.normal(0.0, 0.01, N_BARS)
    ahead = baseline + 0.001 + rng.normal(0.0, 0.003, N_BARS)
    luck = np.array([-0.002, 0.0, 0.002])[:, None]
    alike = judged(curves_of_growth(np.repeat(ahead[None], 3, axis=0), {"rule": baseline}))
    apart = judged(curves_of_growth(ahead + luck, {"rule": baseline}))
    alone = judged(curves_of_growth(ahead[None], {"rule": baseline}))
    assert alike.rulings[0].growth == pytest.approx(apart.rulings[0].growth)
    assert alike.rulings[0].word is alone.rulings[0].word is Word.BEATS
    assert apart.rulings[0].word is Word.UNDECIDED
    assert np.isinf(apart.rulings[0].bars_needed)  # no history tells what seeds differ in
    assert np.isfinite(apart.rulings[0].seeds_needed)
    assert np.isnan([alone.growth.low, alone.growth.high]).all()
    assert apart.growth.low < apart.growth.value < apart.growth.high


def test_the_interval_over_seeds_alone_is_that_of_student() -> None:
    own = np.array([1.0, 2.0, 6.0])
    differences = np.repeat(own[:, None, None], 40, axis=1)
    found = resample(differences, 1, np.random.default_rng(0), 40_000)
    assert found.time_error[0] == pytest.approx(0.0, abs=1e-12)
    assert found.seed_error[0] == pytest.approx(own.std(ddof=1) / np.sqrt(3.0))
    low, high = np.quantile(found.draws, [0.025, 0.975])
    expected = t.interval(0.95, 2, own.mean(), found.seed_error[0])
    np.testing.assert_allclose([low, high], expected, rtol=0.08)


def test_dependence_in_time_widens_the_interval() -> None:
    rng = np.random.default_rng(2)
    shocks = rng.normal(0.0, 1.0, 3000)
    slow = np.convolve(shocks, np.ones(20) / 20.0, mode="same")[None, :, None]
    short, long = (resample(slow, b, np.random.default_rng(0), 500).time_error[0] for b in (1, 60))
    assert long > 2.5 * short


def of_errors(growth: float, time: float, seed: float) -> Resampled:
    one = (np.array(value) for value in (growth, time, seed))
    mean, time_error, seed_error = one
    return Resampled(mean, np.zeros((2, 1)), time_error, seed_error)


def test_what_would_decide_can_be_computed_by_hand() -> None:
    usual, corrected, strength = norm.isf(0.025), norm.isf(0.05 / 5), norm.ppf(0.8)
    bars, seeds = needed(of_errors(0.1, 0.06, 0.0), 1000, 4, 1)
    assert bars == pytest.approx(1000 * (0.06 * (usual + strength) / 0.1) ** 2)
    assert np.isinf(seeds)
    bars, _ = needed(of_errors(0.1, 0.06, 0.0), 1000, 4, 5)
    assert bars == pytest.approx(1000 * (0.06 * (corrected + strength) / 0.1) ** 2)
    bars, _ = needed(of_errors(-0.09, 0.06, 0.0), 1000, 4, 5)
    assert bars == pytest.approx(1000 * (0.06 * (usual + strength) / (SMALLEST_EFFECT + 0.09)) ** 2)


def test_how_many_seeds_are_needed_is_told_by_student() -> None:
    """All of the error is between seeds, so the growth must be (t + t) times it, S - 1 freedom."""
    growth, error = 0.2, 0.05  # of the mean of two seeds
    bars, seeds = needed(of_errors(growth, 0.0, error), 504, 2, 1)
    assert np.isinf(bars)

    def margin(s: float) -> float:
        needs = t.isf(0.025, s - 1.0) + t.ppf(0.8, s - 1.0)
        return float(growth - needs * error * np.sqrt(2.0 / s))

    assert seeds == 4.0
    assert margin(4.0) >= 0.0 > margin(3.0)
    normal = 2.0 * (error * (norm.isf(0.025) + norm.ppf(0.8)) / growth) ** 2
    assert normal < 2.0  # which would have asked for fewer than there are


def test_an_error_from_both_has_the_freedom_of_its_parts() -> None:
    """The freedom of Welch and Satterthwaite, at the number of seeds and at one less."""
    _, seeds = needed(of_errors(0.1, 0.02, 0.05), 1000, 2, 1)

    def asked(s: float) -> float:
        part = 0.05 * np.sqrt(2.0 / s)
        error = np.hypot(0.02, part)
        freedom = error**4 / (part**4 / (s - 1.0))
        return float((t.isf(0.025, freedom) + t.ppf(0.8, freedom)) * error)

    assert asked(seeds) <= 0.1 < asked(seeds - 1.0)


def test_what_is_needed_is_more_than_what_is_there() -> None:
    undecided = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        baseline = rng.normal(0.0, 0.01, N_BARS)
        luck = rng.normal(0.0, 2e-4, (2, 1))
        agents = baseline + 1e-3 + luck + rng.normal(0.0, 0.005, (2, N_BARS))
        found = judged(curves_of_growth(agents, {"rule": baseline}), repetitions=200)
        (ruling,) = found.rulings
        if ruling.word is Word.UNDECIDED:
            undecided += 1
            assert ruling.bars_needed > N_BARS
            assert ruling.seeds_needed > 2
    assert undecided > 10
    surely = of_errors(0.5, 0.01, 0.0)  # should have been decided, but was not
    assert needed(surely, 504, 3, 1) == (505.0, np.inf)
    assert needed(of_errors(0.5, 0.01, 0.001), 504, 3, 1) == (505.0, 4.0)


def test_the_more_was_tried_the_less_a_ratio_is_believed() -> None:
    curves = made(np.random.default_rng(3), 0.0004)
    few, many, unknown = (
        judged(curves, Family(n, deviation, TRIED.returns, 1))
        for n, deviation in ((1, float("nan")), (50, 1.0), (50, float("nan")))
    )
    assert few.deflated == few.probabilistic
    assert many.deflated < 0.7 * many.probabilistic
    assert np.isnan(unknown.deflated)


def test_agents_of_noise_have_a_probability_of_overfitting_and_one_agent_has_none() -> None:
    rng = np.random.default_rng(4)
    curves = made(rng)
    noise = Family(9, 0.5, rng.normal(0.0, 0.01, (N_BARS, 9)), 1)
    skilled = Family(9, 0.5, noise.returns + np.linspace(0.0, 0.01, 9), 1)
    assert judged(curves, noise).overfitting > 0.1
    assert judged(curves, skilled).overfitting == 0.0
    assert np.isnan(judged(curves).overfitting)


def test_one_agent_that_lost_everything_does_not_hide_whether_choosing_was_luck() -> None:
    rng = np.random.default_rng(4)
    curves = made(rng)
    returns = rng.normal(0.0, 0.01, (N_BARS, 9)) + np.linspace(0.0, 0.01, 9)
    lost = np.full((N_BARS, 1), np.nan)
    lost[:300], lost[300] = 0.001, -1.0
    family = Family(10, 0.5, np.hstack([returns, lost]), 1)
    assert judged(curves, family).overfitting == pytest.approx(0.0, abs=0.1)
    returns[7, 2] = np.nan  # no loss, but not known either
    assert np.isnan(judged(curves, Family(9, 0.5, returns, 1)).overfitting)


def test_the_middle_of_seeds_and_folds_is_that_of_their_growth() -> None:
    growth = np.repeat(np.array([[1.0, 2.0], [3.0, 8.0]]) / YEARLY, [30, 30], axis=1)
    fold = np.array([1] * 31 + [2] * 30)
    curves = curves_of_growth(growth, {"rule": np.zeros(60)}, fold)
    np.testing.assert_allclose(curves.growth_by_fold(), [[1.0, 2.0], [3.0, 8.0]])
    found = judged(curves)
    assert (found.n_folds, found.n_seeds, found.n_bars) == (2, 2, 60)
    assert found.growth.value == pytest.approx(2.5)


def test_too_little_to_judge_is_refused() -> None:
    short = curves_of_growth(np.zeros((1, 19)), {"rule": np.zeros(19)})
    with pytest.raises(InvalidParameter, match="20 bars or more, was 1 seeds and 19 bars"):
        judge(short, TRIED)


def test_a_verdict_is_the_same_again() -> None:
    curves = made(np.random.default_rng(5))
    assert repr(judged(curves)) == repr(judged(curves))


def test_who_is_better_than_the_best_baseline_is_told_for_all_that_was_tried() -> None:
    rng = np.random.default_rng(6)
    rules = {f"rule {i}": rng.normal(3e-4 * i, 0.01, N_BARS) for i in range(3)}
    best = max(rules, key=lambda name: float(rules[name].sum()))
    noise = rng.normal(0.0, 0.005, (2, N_BARS))
    none, one = rules[best] + noise, rules[best] + 0.002 + noise
    families = [Family(2, 0.5, np.expm1(growth.T), 1) for growth in (none, one)]
    curves = [curves_of_growth(growth, rules) for growth in (none, one)]
    without, with_edge = (judge(c, f) for c, f in zip(curves, families, strict=True))
    assert without.standing.best_baseline == with_edge.standing.best_baseline == best
    assert without.standing.superiority > 0.1
    assert with_edge.standing.superiority < 0.01
    assert with_edge.standing.remaining == ("agent",)
    assert {"agent", best} <= set(without.standing.remaining)


def test_accounts_that_lost_everything_are_not_among_the_best() -> None:
    curves = made(np.random.default_rng(0))
    ruined = curves.baselines["rule"].copy()
    ruined[300:] = 0.0
    baselines = {"bad": ruined, **curves.baselines}
    lost = simple_returns(ruined)[:, None]
    family = Family(4, 0.5, np.hstack([curves.returns(), lost]), 1)
    alone = Family(1, 0.5, lost, 1)
    found = judge(Curves(YEARLY, curves.timestamps, curves.fold, curves.agents, baselines), family)
    assert found.standing.best_baseline == "rule"
    assert "bad" not in found.standing.remaining
    assert np.isfinite(found.standing.superiority)
    assert judge(curves, alone).standing.superiority == 1.0
