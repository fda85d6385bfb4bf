"""What was held on average is what was held at every mark, summed by hand."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from benbot.agents.baselines import Random
from benbot.agents.evaluation import HOLDING, Evaluation, evaluate
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.report.holdings import extents, sector_holdings

Maker = Callable[..., Evaluation]


def in_sectors(history: History) -> History:
    """Return the history with its six symbols in three sectors and betas of 1, 2 and so on."""
    market = replace(history.market, sectors=("tech", "tech", "tech", "oil", "oil", "rail"))
    facts = history.tape.facts.copy()
    facts["beta"] = np.arange(1, 7)
    return replace(history, market=market, tape=history.tape._replace(facts=facts))


def held(make_evaluation: Maker) -> Evaluation:
    """Return two bars: 30 % long in A and 20 % short in B after the first, 10 % of D after both."""
    rows = np.array([(1, 0, 0, 0.3), (1, 1, 0, -0.2), (1, 3, 0, 0.1), (2, 3, 0, 0.1)], HOLDING)
    return make_evaluation([1.0, 1.0, 1.0], holdings=rows)


def test_gross_net_and_beta_are_means_over_the_marks(
    eventful: History, make_evaluation: Maker
) -> None:
    gross, net, beta = extents([held(make_evaluation)], in_sectors(eventful))
    assert (gross.name, net.name, beta.name) == ("gross", "net", "beta")
    assert (gross.mean, gross.least, gross.most) == pytest.approx((0.35, 0.1, 0.6))
    assert (net.mean, net.least, net.most) == pytest.approx((0.15, 0.1, 0.2))
    assert (beta.mean, beta.least, beta.most) == pytest.approx((0.35, 0.3, 0.4))


def test_sectors_have_their_longs_and_shorts(eventful: History, make_evaluation: Maker) -> None:
    tech, oil = sector_holdings([held(make_evaluation)], in_sectors(eventful))
    assert (tech.name, tech.long, tech.short) == ("tech", pytest.approx(0.15), pytest.approx(0.1))
    assert tech.most == pytest.approx(0.5)
    assert (oil.name, oil.long, oil.short) == ("oil", pytest.approx(0.1), 0.0)


def test_a_mark_with_an_unknown_beta_is_left_out(eventful: History, make_evaluation: Maker) -> None:
    history = in_sectors(eventful)
    history.tape.facts["beta"][1, 0] = np.nan
    *_, beta = extents([held(make_evaluation)], history)
    assert beta.mean == pytest.approx(0.4)
    history.tape.facts["beta"][:] = np.nan
    *_, beta = extents([held(make_evaluation)], history)
    assert np.isnan([beta.mean, beta.least, beta.most]).all()


def test_holdings_of_an_evaluation_sum_to_its_exposure(eventful: History) -> None:
    one = evaluate(
        Random(eventful.layout, 0), eventful, Span(40, 290), EnvironmentSettings(ruin=0.0)
    )
    gross, net, _ = extents([one], eventful)
    assert gross.mean == pytest.approx(one.exposure[1:].mean())
    assert gross.most == pytest.approx(one.exposure.max())
    assert -gross.most <= net.least < net.mean < net.most <= gross.most


def test_nothing_held_is_no_sector_and_no_exposure(
    eventful: History, make_evaluation: Maker
) -> None:
    quiet = [make_evaluation([1.0, 1.0, 1.0])]
    assert sector_holdings(quiet, eventful) == []
    assert [one.most for one in extents(quiet, eventful)] == [0.0, 0.0, 0.0]
