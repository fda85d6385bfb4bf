"""The machine says what the slow interpreter says, whatever else is evaluated beside it."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.strategies.programs import layout
from benbot.strategies.programs.features import Features
from benbot.strategies.programs.machine import batches, encode, evaluate
from benbot.strategies.programs.program import Program
from tests.reference.programs import interpret
from tests.strategies.programs.worlds import (
    awkward_features,
    features_of,
    one_symbol,
    programs_over,
    whole_features,
    written,
)

TOLERANCE = 1e-6
NAN = np.nan


def assert_agrees(programs: list[Program], features: Features) -> None:
    for program, said in zip(programs, evaluate(programs, features), strict=True):
        np.testing.assert_allclose(
            said, interpret(program, features), rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True
        )


@pytest.mark.parametrize("form", ["signal", "parts"])
def test_random_programs_agree_with_the_interpreter(form: str) -> None:
    features = awkward_features(1, n_bars=130)
    assert_agrees(programs_over(features, 1, 150, form), features)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 120))
def test_ten_thousand_random_programs_agree_with_the_interpreter(seed: int) -> None:
    features = awkward_features(seed)
    assert_agrees(programs_over(features, seed, 500), features)


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ('["add", "x", 1]', [2, 4, 3, NAN, 6]),
        ('["divide", 1, ["subtract", "x", 3]]', [-0.5, 1, -1, NAN, 0.5]),
        ('["max", "x", 2]', [2, 3, 2, NAN, 5]),
        ('["min", 2, "x"]', [1, 2, 2, NAN, 2]),
        ('["sign", ["subtract", "x", 2]]', [-1, 1, 0, NAN, 1]),
        ('["if", ["above", "x", 2], 1, -1]', [-1, 1, -1, -1, 1]),
        ('["if", ["not", ["above", "x", 2]], 1, -1]', [1, -1, 1, 1, -1]),
        ('["if", ["and", "always", ["below", "x", 2]], "x", 0]', [1, 0, 0, 0, 0]),
        ('["if", ["or", "never", ["below", "x", 2]], "x", 0]', [1, 0, 0, 0, 0]),
        ('["lag", "x", 1]', [NAN, 1, 3, 2, NAN]),
        ('["delta", "x", 2]', [NAN, NAN, 1, NAN, 3]),
        ('["mean", "x", 2]', [NAN, 2, 2.5, NAN, NAN]),
        ('["deviation", "x", 3]', [NAN, NAN, np.sqrt(2 / 3), NAN, NAN]),
        ('["zscore", "x", 3]', [NAN, NAN, 0.0, NAN, NAN]),
        ('["lowest", "x", 2]', [NAN, 1, 2, NAN, NAN]),
        ('["highest", "x", 3]', [NAN, NAN, 3, NAN, NAN]),
        ('["rank", "x", 3]', [NAN, NAN, 0, NAN, NAN]),
        ('["rank", "x", 2]', [NAN, 0.5, -0.5, NAN, NAN]),
        ('["correlation", "x", ["negate", "x"], 3]', [NAN, NAN, -1, NAN, NAN]),
        ('["place", "x"]', [0, 0, 0, NAN, 0]),
        ('["demean", "x"]', [0, 0, 0, NAN, 0]),
        ("2.5", [2.5] * 5),
        ('"x"', [1, 3, 2, NAN, 5]),
    ],
)
def test_a_primitive_by_hand(tree: str, expected: list[float]) -> None:
    features = one_symbol(x=[1.0, 3.0, 2.0, NAN, 5.0])
    said = evaluate([written(tree, "x")], features)
    np.testing.assert_allclose(said[0, :, 0], expected, atol=TOLERANCE)


def test_an_exponential_mean_forgets_what_is_older_than_four_windows() -> None:
    x = [100.0] * 3 + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    said = evaluate([written('["ema", "x", 2]', "x")], one_symbol(x=x))[0, -1, 0]
    weights = (1 / 3) ** np.arange(8)
    assert said == pytest.approx((weights * np.arange(8, 0, -1)).sum() / weights.sum(), rel=1e-6)


def test_symbols_are_compared_with_those_that_trade() -> None:
    x = np.array([[[1.0, 1.0]], [[3.0, 3.0]], [[2.0, 2.0]], [[7.0, 7.0]]]).reshape(1, 4, 2)
    trades = np.ones((4, 2))
    trades[3, 1] = NAN
    features = features_of(x, trades)
    place, mean = (written(f'["{name}", "noise"]', "noise") for name in ("place", "demean"))
    said = evaluate([place, mean], features)
    np.testing.assert_allclose(said[0, 0], [-0.75, 0.25, -0.25, 0.75])
    np.testing.assert_allclose(said[0, 1], [-2 / 3, 2 / 3, 0.0, NAN], rtol=TOLERANCE)
    np.testing.assert_allclose(said[1, 1], [-1.0, 1.0, 0.0, NAN])


def test_who_does_not_trade_says_nothing_though_a_condition_has_an_answer() -> None:
    trades = np.array([[1.0, NAN, 1.0]])
    features = features_of(np.ones((1, 1, 3)), trades)
    trees = ('["if", ["above", "noise", 2], 1, -1]', "3", '["lag", "noise", 1]')
    for said in evaluate([written(tree, "noise") for tree in trees], features):
        assert np.isnan(said[1, 0])


def test_a_program_says_the_same_alone_and_among_others() -> None:
    features = awkward_features(3)
    programs = programs_over(features, 3, 200)
    together = evaluate(programs, features)
    for p in range(0, 200, 10):
        np.testing.assert_array_equal(evaluate([programs[p]], features)[0], together[p])
    backwards = evaluate(programs[::-1], features)
    np.testing.assert_array_equal(backwards[::-1], together)


def test_the_last_row_from_a_short_history_is_that_of_the_whole_to_the_last_bit() -> None:
    features = awkward_features(4, n_bars=900)
    programs = programs_over(features, 4, 100)
    whole = evaluate(programs, features)
    for program, said in zip(programs, whole, strict=True):
        start = features.n_bars - 1 - program.reach(features.lookbacks)
        recent = Features(
            features.names,
            features.values[..., start:],
            features.lookbacks,
            features.trades[:, start:],
        )
        np.testing.assert_array_equal(evaluate([program], recent)[0, -1], said[-1])


def test_a_jump_that_has_left_the_window_leaves_no_trace() -> None:
    quiet = np.round(np.random.default_rng(0).normal(0.0, 1e-3, 400), 6)
    jumped = quiet.copy()
    jumped[100] = 1e9
    names = ("mean", "deviation", "zscore", "ema", "lowest", "rank")
    programs = [written(f'["{name}", "x", 20]', "x") for name in names]
    before, after = (evaluate(programs, one_symbol(x=list(x)))[:, 190:] for x in (quiet, jumped))
    np.testing.assert_array_equal(before, after)


def test_prices_that_stand_still_have_no_deviation_and_no_mean_but_their_own() -> None:
    features = one_symbol(x=[0.1] * 130)
    trees = (
        *(f'["{name}", "x", 60]' for name in ("deviation", "zscore", "rank")),
        '["correlation", "x", "x", 60]',
        '["subtract", "x", ["mean", "x", 60]]',
        '["subtract", "x", ["ema", "x", 20]]',
    )
    said = evaluate([written(tree, "x") for tree in trees], features)
    assert not said[:, -1].any()


def test_a_long_series_is_done_in_stretches_that_do_not_show(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    features = awkward_features(5, n_bars=500)
    programs = programs_over(features, 5, 100)
    whole = evaluate(programs, features)
    monkeypatch.setattr(layout, "WINDOW_TILE", 7)
    monkeypatch.setattr(layout, "POINTWISE_TILE", 3)
    np.testing.assert_array_equal(evaluate(programs, features), whole)


@pytest.mark.parametrize("n_bars", [6, 37, 64, 181])
def test_what_goes_past_the_caches_is_what_goes_through_them(
    monkeypatch: pytest.MonkeyPatch, n_bars: int
) -> None:
    features = awkward_features(10, n_bars=n_bars)
    programs = programs_over(features, 10, 60)
    whole = evaluate(programs, features)
    monkeypatch.setattr(layout, "CACHE", 0)
    memory = np.full(whole.size + 20, 7.0, np.float32)
    for skipped in range(0, 17, 3):  # wherever a line begins
        out = memory[skipped : skipped + whole.size]
        np.testing.assert_array_equal(evaluate(programs, features, out), whole)
        assert (memory[skipped + whole.size :] == 7.0).all()


def test_a_mean_of_any_window_is_that_of_its_numbers() -> None:
    x = np.round(np.random.default_rng(11).standard_normal(200) * 64)
    windows = [*range(1, 49), 60, 64, 75, 80, 96, 120, 128, 160, 192]
    programs = [written(f'["mean", "x", {bars}]', "x") for bars in windows]
    said = evaluate(programs, one_symbol(x=list(x)))[:, :, 0]
    for bars, means in zip(windows, said, strict=True):
        expected = np.lib.stride_tricks.sliding_window_view(x, bars).sum(axis=1) * (1.0 / bars)
        np.testing.assert_array_equal(means[bars - 1 :], expected.astype(np.float32))
        assert np.isnan(means[: bars - 1]).all()


def test_one_where_a_condition_is_true_and_nothing_elsewhere_is_the_condition() -> None:
    features = one_symbol(x=[1.0, NAN, 3.0])
    asked = '["above", "x", 2]'
    trees = (f'["if", {asked}, 1, 0]', f'["if", {asked}, 0, 1]', f'["if", {asked}, 1, 3]')
    programs = [written(tree, "x") for tree in trees]
    assert [len(encode([program], features).nodes) for program in programs] == [5, 6, 6]
    np.testing.assert_array_equal(evaluate(programs, features)[:, 2, 0], [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(evaluate(programs, features)[:, 0, 0], [0.0, 1.0, 3.0])


def test_equal_sub_trees_stand_once_in_the_graph() -> None:
    names = ("x", "y")
    one = written('["add", ["multiply", "x", "y"], 1]', *names)
    other = written('["tanh", ["multiply", "y", "x"]]', *names)
    features = one_symbol(x=[1.0], y=[2.0])
    assert len(encode([one, other], features).nodes) == len(encode([one], features).nodes) + 1


def test_many_constants_need_no_register_each() -> None:
    features = one_symbol(x=[1.0, 2.0])
    programs = [written(f'["add", "x", {k}]', "x") for k in range(200)]
    said = evaluate(programs, features)
    np.testing.assert_array_equal(said[:, 1, 0], 2.0 + np.arange(200))


def test_batches_are_what_is_evaluated_at_once() -> None:
    features = whole_features(6)
    programs = programs_over(features, 6, 25, "parts")
    whole = evaluate(programs, features)
    assert whole.shape == (25, 3, features.n_bars, features.n_symbols)
    each = 3 * 4 * features.n_bars * features.n_symbols
    seen = []
    for which, said in batches(programs, features, memory=10 * each):
        np.testing.assert_array_equal(said, whole[which])
        seen.append(len(said))
    assert seen == [10, 10, 5]


def test_answers_are_written_where_they_are_asked_to_be() -> None:
    features = whole_features(7)
    programs = programs_over(features, 7, 5)
    out = np.zeros((5, features.n_symbols, features.n_bars), np.float32)
    said = evaluate(programs, features, out)
    assert np.shares_memory(said, out)
    np.testing.assert_array_equal(said, evaluate(programs, features))


def test_features_may_stand_in_another_order_than_the_program_knows_them() -> None:
    program = written('["subtract", "x", "y"]', "y", "x")
    features = one_symbol(x=[3.0], z=[0.0], y=[1.0])
    assert evaluate([program, written('"z"', "z")], features)[:, 0, 0].tolist() == [2.0, 0.0]


def test_a_feature_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match=r"feature of these programs must be .* was 'y'"):
        evaluate([written('["add", "x", "y"]', "x", "y")], one_symbol(x=[1.0]))


def test_programs_of_two_forms_and_no_programs_are_refused() -> None:
    features = whole_features(8)
    both = [*programs_over(features, 8, 1), *programs_over(features, 8, 1, "parts")]
    with pytest.raises(InvalidParameter, match="same form, was some with one signal and some in"):
        evaluate(both, features)
    with pytest.raises(InvalidParameter, match="was none"):
        evaluate([], features)


def test_a_market_that_is_given_is_left_as_it_is() -> None:
    features = awkward_features(9)
    before = features.values.copy()
    evaluate(programs_over(features, 9, 50), features)
    np.testing.assert_array_equal(features.values, before)
    assert not features.values.flags.writeable
