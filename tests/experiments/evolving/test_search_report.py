"""The page of a search: complete, of itself, and true to what was recorded."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benbot.envs.errors import RunMismatch
from benbot.evolution.deflation import Trials
from benbot.evolution.search import Generation
from benbot.experiments.evolving import page as search_report
from benbot.experiments.evolving.figures import search_figures
from benbot.experiments.evolving.note import search_metrics, search_note
from benbot.experiments.evolving.page import SearchReport, render_search
from benbot.experiments.evolving.record import (
    Group,
    SearchRecord,
    Stretch,
    Winner,
    read_record,
    write_record,
)
from benbot.experiments.tracking.provenance import Provenance
from tests.experiments.report.test_report import Page

PROVENANCE = Provenance(
    "benbot evolve x", "f" * 40, "0" * 16, datetime(2026, 1, 2, tzinfo=UTC), {}, "r1"
)
NAN = float("nan")
WINNER = Winner(
    name="evolved_aa",
    formula="rsi < 0.4 & <b>",
    genome={"version": 1, "signal": ["tanh", "rsi"]},
    size=2,
    born=1,
    n_trades=40,
    turnover=0.05,
    sharpe_fit=1.25,
    probable=0.97,
    deflated=0.4,
    sharpe_valid=0.8,
    ancestors=(
        {"digest": "aa", "generation": 1, "island": 0, "parents": ["bb"], "formula": "f1"},
        {"digest": "bb", "generation": 0, "island": 0, "parents": [], "formula": "f0"},
    ),
)


@pytest.fixture(autouse=True)
def quick_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: what is drawn has a test of its own."""

    def nothing(own: SearchRecord) -> dict[str, bytes]:
        return dict.fromkeys(("generations", "front", *own.stretches), b"\x89PNG\r\n\x1a\n")

    monkeypatch.setattr(search_report, "search_figures", nothing)


def stretch(*, pool: bool = True) -> Stretch:
    groups = [Group("pool", 1, 0.1, 0.1, 1.0, 0.9, 0.1)] if pool else []
    peers = (-1.0, 0.5, 2.0)
    groups += [
        Group("random candidates", 1, NAN, 0.1, 0.5, NAN, 0.2, peers),
        Group("all rules", 2, 0.0, 0.1, 0.1, 0.5, 0.2),
        Group("buy and hold", 1, 0.1, 0.1, 0.9, 0.9, 0.2),
    ]
    times = ("2020-01-01T21:00", "2020-01-02T21:00", "2020-01-03T21:00")
    curves = {group.name: (0.0, 0.01, 0.02) for group in groups}
    return Stretch("2020-01-01 to 2020-01-03", tuple(groups), times, curves)


def record(seed: int = 0, *, pool: bool = True) -> SearchRecord:
    history = [Generation(n, 0.5 * n, 0.1 * n, 6.0, 0.9, 12 * n, 1, 0.8) for n in (1, 2)]
    return SearchRecord(
        seed=seed,
        species="programs",
        trials=Trials(24, 18.4, 0.3, 0.05, 500, 3.0, 2),
        effective=18.4,
        luck=1.47,
        found=0,
        confidence=0.95,
        looks=5,
        history=tuple(history),
        objectives=("probabilistic_sharpe", "size"),
        front=((2.0, -2.0), (1.0, -1.0)),
        in_pool=(True, False),
        winners=(WINNER,) if pool else (),
        market={"source": "made up"},
        notes=("survivors alone",),
        stretches={"valid": stretch(pool=pool)},
    )


def report(*records: SearchRecord, openings: int = 0) -> SearchReport:
    return SearchReport("bred", records or (record(),), openings, "name: bred\n", PROVENANCE)


def test_every_tag_closes_and_nothing_is_fetched_from_elsewhere() -> None:
    text = render_search(report(record(0), record(1)))
    page = Page(text)
    assert page.open == []
    assert len(page.links) == 6
    assert all(link.startswith("data:image/png;base64,iVBORw0KGgo") for link in page.links)
    assert "http://" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert text.count("<svg") == 4  # a tree and a family of each


def test_numbers_are_those_of_the_record() -> None:
    page = Page(render_search(report()))
    assert page.row("0", "48", "18", "3") == [
        *("0", "48", "18", "3", "1.47", "1", "0", "1.00", "1.00", "0.50", "0.10", "0.90")
    ]
    assert page.row("evolved_aa")[1:5] == ["1.25", "97.0\u202f%", "40.0\u202f%", "0.80"]
    assert page.row("2", "1.00", "0.20")
    words = " ".join(page.words)
    assert "the pool is ahead of 2 of 3 pools" in words
    assert "Survivors alone." in words
    assert "rsi < 0.4 & <b>" in words


def test_what_is_only_luck_is_said_at_the_top() -> None:
    assert "Do not trade it" in render_search(report())
    assert "Do not trade it" not in render_search(report(replace(record(), found=1)))


def test_an_empty_pool_is_told() -> None:
    text = render_search(report(record(pool=False)))
    assert "The pool is empty" in text
    assert Page(text).open == []


def test_test_counts_once_it_is_open_and_openings_are_told() -> None:
    sealed, opened = record(), record()
    opened = replace(opened, stretches={**opened.stretches, "test": stretch()})
    assert "Test is sealed" in render_search(report(sealed))
    assert "pool on valid" in render_search(report(sealed))
    once, twice = (render_search(report(opened, openings=n)) for n in (1, 2))
    assert "pool on test" in once
    assert "Outside fit: test" in once
    assert "Test was asked for 2 times" in twice


def test_other_genomes_than_programs_have_no_tree() -> None:
    rule = replace(
        WINNER, genome={"rule": "ma_crossover", "fast": 3}, ancestors=WINNER.ancestors[1:]
    )
    text = render_search(report(replace(record(), winners=(rule,))))
    assert "<svg" not in text
    assert "chance drew it in generation 1" in text


def test_figures_are_the_same_for_the_same_record() -> None:
    first, second = search_figures(record()), search_figures(record())
    assert first == second
    assert set(first) == {"generations", "front", "valid"}
    assert all(picture.startswith(b"\x89PNG") for picture in first.values())


def test_a_run_is_listed_by_what_all_its_seeds_did() -> None:
    one, other = record(0), record(1, pool=False)
    found = search_metrics([one, other])
    assert found["evolution/trials"] == 48.0
    assert found["evolution/pool"] == 1.0
    assert found["valid/pool/sharpe_ratio"] == 1.0  # of the seed that has one
    assert found["valid/buy_and_hold/sharpe_ratio"] == 0.9
    note = search_note([one, other])
    assert "| 0 | 24 | 1.47 | 1 | 0 | 1.00 | 0.50 | 0.90 |" in note
    assert "| 1 | 24 | 1.47 | 0 | 0 | – | 0.50 | 0.90 |" in note
    assert "- `rsi < 0.4 & <b>`" in note


def test_an_empty_front_and_one_generation_can_be_drawn() -> None:
    short = replace(record(pool=False), front=(), in_pool=(), history=record().history[:1])
    assert set(search_figures(short)) == {"generations", "front", "valid"}


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_record(record(), tmp_path)
    again = read_record(tmp_path)
    assert repr(again) == repr(record())


@pytest.mark.parametrize("text", [None, "", "{}", "[1]"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "record.json").write_text(text)
    with pytest.raises(RunMismatch, match=r"a report of a search needs .*record\.json, was none"):
        read_record(tmp_path)
