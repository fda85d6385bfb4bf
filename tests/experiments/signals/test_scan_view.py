"""The scanner's list for a person."""

import io
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benbot.envs.errors import InvalidParameter, UnknownName
from benbot.envs.signals import Signals
from benbot.experiments.config import load_config
from benbot.experiments.signals.scan_view import asks_of, show_scan
from benbot.experiments.training.preparation import prepare_experiment
from benbot.strategies.hearing import collect
from benbot.strategies.scanner import ScanSettings, scan


def said(workshop: Any, when: str | None, top: int = 4, *overrides: str) -> str:  # noqa: ANN401
    page = io.StringIO()
    config = load_config(str(workshop.config), overrides)
    show_scan(config, when, "fit", top, Console(file=page, width=80))
    return page.getvalue()


def test_the_list_is_that_of_the_scanner(workshop: Any) -> None:  # noqa: ANN401
    text = said(workshop, "2003-03-03")
    prepared = prepare_experiment(load_config(str(workshop.config)))
    known = prepared.market.until(826)
    found = scan(known, collect(prepared.strategies, known), ScanSettings(top=4))
    rows = [line.split() for line in text.splitlines() if "SYN00" in line]
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    for row in rows:
        s = prepared.market.symbols.index(row[1])
        assert found.rank[-1, s] == int(row[0])
        assert row[2] == "candidate"
        assert float(row[3]) == pytest.approx(found.score[-1, s], abs=0.006)
        assert float(row[5]) == pytest.approx(found.movement[-1, s], abs=0.006)
    assert "The close of 2003-03-03, bar 825, in fit: 6 symbols traded" in text
    assert "News: none" not in text or not prepared.market.features
    assert "2 ma_crossover" in text.replace("\n", " ")


def test_only_so_many_lines_are_printed_and_they_fit_a_terminal(workshop: Any) -> None:  # noqa: ANN401
    text = said(workshop, None, 1)
    assert sum("SYN00" in line for line in text.splitlines()) == 1
    assert "…" not in text.partition("The close of")[2]


def test_a_list_without_the_rest_of_the_universe_is_the_same_list(workshop: Any) -> None:  # noqa: ANN401
    """What the configuration lets be traded does not change what there is to be found."""
    free, bound = said(workshop, "2003-03-03"), said(workshop, "2003-03-03", 4, "discovery.top=2")
    lines = [
        [line.split()[:7] for line in text.splitlines() if "SYN00" in line]
        for text in (free, bound)
    ]
    assert lines[0] == lines[1]


def test_a_date_in_another_segment_is_refused_with_its_name(workshop: Any) -> None:  # noqa: ANN401
    with pytest.raises(InvalidParameter, match="which lies in test"):
        said(workshop, "2004-08-02")
    with pytest.raises(UnknownName, match="one of fit, valid, test"):
        show_scan(load_config(str(workshop.config)), None, "tset", 3, Console(file=io.StringIO()))


def test_who_asks_is_told_with_the_side() -> None:
    direction = np.array([[[1], [-1], [1]]])
    confidence = np.array([[[0.2], [0.3], [0.0]]])
    signals = Signals(("a", "b", "c"), (0,) * 3, direction, confidence, np.full((1, 3, 1), 0.1))
    assert asks_of(signals, 0) == "+1 −2"
