"""The page is complete, refers to nothing outside itself, and says what the numbers say."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from benbot.agents.evaluation import Evaluation
from benbot.envs.desk.ledger import DECISION, TRADE
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market, Origin, market_from_prices
from benbot.experiments.report.breakdown import readable
from benbot.experiments.report.cost_sensitivity import BreakEven, CostCurve, CostPoint
from benbot.experiments.report.curves import curves_of
from benbot.experiments.report.examination import Examination
from benbot.experiments.report.exposures import Exposure, Exposures
from benbot.experiments.report.figures import draw
from benbot.experiments.report.holdings import Extent, SectorHolding
from benbot.experiments.report.page import (
    RunReport,
    SegmentResult,
    render_report,
    write_number,
    write_report,
    write_spread,
)
from benbot.experiments.report.refusals import GateEffect
from benbot.experiments.tracking.provenance import Provenance
from benbot.experiments.training.fold_table import FoldRow
from benbot.experiments.verdict.statistics import Spread, growth_difference, metrics
from benbot.experiments.verdict.verdict import Family, judge, verdict_as_json, verdict_from_json

Maker = Callable[..., Evaluation]
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects what a test wants to know, and refuses tags that do not close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.rows: list[list[str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "srcset"}]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data

    def row(self, *start: str) -> list[str]:
        """Return the first row that begins so."""
        return next(row for row in self.rows if row[: len(start)] == list(start))


def market_of(notes: tuple[str, ...] = ()) -> Market:
    days = np.datetime64("2020-01-01T21:00", "ns") + np.arange(5) * np.timedelta64(1, "D")
    close = np.full((5, 3), 100.0)
    close[:2, 1] = close[3, 1] = np.nan
    return market_from_prices(
        days, ("AAA", "BBB", "CCC"), {"close": close}, origin=Origin("given", "splits", notes)
    )


PROVENANCE = Provenance(
    command="benbot train quickstart",
    git_commit="f" * 40,
    config_digest="0123456789abcdef",
    created=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    versions={"python": "3.11.7", "numpy": "2.4.6"},
    run_id="a1b2c3",
)


def report_of(
    *segments: SegmentResult, name: str = "demo", notes: tuple[str, ...] = ()
) -> RunReport:
    return RunReport(name, segments, market_of(notes), "name: demo\n", PROVENANCE, bootstrap_seed=7)


@pytest.fixture
def two_seeds(walk: Maker) -> SegmentResult:
    agents = {3: walk(1), 8: walk(2)}
    return SegmentResult("test", agents, (walk(3, name="equal_weight"), walk(4, name="cash")))


def test_every_tag_closes_and_nothing_is_fetched_from_elsewhere(two_seeds: SegmentResult) -> None:
    figures = draw(two_seeds.agents, two_seeds.baselines)
    segment = SegmentResult("test", two_seeds.agents, two_seeds.baselines, figures)
    text = render_report(report_of(two_seeds, segment))
    page = Page(text)
    assert page.open == []
    assert len(page.links) == 4
    assert all(link.startswith("data:image/png;base64,iVBORw0KGgo") for link in page.links)
    assert "@import" not in text
    assert "url(" not in text
    assert not re.search(r"https?://", text)


def test_the_agent_stands_with_its_deviation_above_its_seeds(two_seeds: SegmentResult) -> None:
    page = Page(render_report(report_of(two_seeds)))
    totals = [metrics(one)["total_return"] for one in two_seeds.agents.values()]
    mean, deviation = 100 * np.mean(totals), 100 * np.std(totals, ddof=1)
    assert page.row("agent")[1] == f"{mean:.1f} ± {deviation:.1f}\u202f%".replace("-", "−")
    first = 100 * totals[0]
    assert page.row("seed 3")[1] == f"{first:.1f}\u202f%".replace("-", "−")
    assert page.row("equal weight")[0] == "equal weight"


def test_the_difference_to_each_baseline_has_its_interval(two_seeds: SegmentResult) -> None:
    page = Page(render_report(report_of(two_seeds)))
    expected = growth_difference(list(two_seeds.agents.values()), two_seeds.baselines[0], seed=7)
    shown = write_number(expected.mean, "p", signed=True)
    row = page.row("equal weight", shown)
    low, high = (write_number(x, "p", signed=True) for x in (expected.low, expected.high))
    assert row[2] == f"{low} to {high}"


def test_a_lead_a_lag_and_a_tie_are_named(walk: Maker) -> None:
    base = walk(1)
    drift = np.exp(0.2 / 252 * np.arange(base.equity.size))
    noisy = walk(5, drift=0.0)
    segment = SegmentResult(
        "test",
        {0: base},
        (
            walk(1, name="slower", equity=base.equity / drift),
            walk(1, name="faster", equity=base.equity * drift),
            walk(1, name="even", equity=base.equity * noisy.equity / 1e5),
        ),
    )
    page = Page(render_report(report_of(segment)))
    rows = {row[0]: row[-1] for row in page.rows if len(row) == 7}  # only the differences
    assert rows["slower"] == "grew faster"
    assert rows["faster"] == "grew more slowly"
    assert rows["even"] == "cannot be told apart"


def test_what_the_data_cannot_show_is_said_at_the_top(two_seeds: SegmentResult) -> None:
    text = render_report(report_of(two_seeds, notes=("survivorship bias: only the living",)))
    assert "Survivorship bias: only the living." in text
    assert text.index("Survivorship") < text.index("Result on test")


def test_prices_that_no_market_made_are_told_at_the_top(two_seeds: SegmentResult) -> None:
    note = "option prices are synthetic: trailing volatility + 2 points a year"
    agents = {seed: replace(one, notes=(note,)) for seed, one in two_seeds.agents.items()}
    page = render_report(report_of(replace(two_seeds, agents=agents)))
    assert page.count("Option prices are synthetic: trailing volatility + 2 points a year.") == 1


def test_names_from_outside_cannot_write_markup(two_seeds: SegmentResult) -> None:
    text = render_report(report_of(two_seeds, name="<script>alert(1)</script>"))
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_last_segment_is_told_in_full_and_the_others_are_folded(
    two_seeds: SegmentResult, walk: Maker
) -> None:
    fit = SegmentResult("fit", {3: walk(9), 8: walk(10)}, ())
    text = render_report(report_of(fit, two_seeds))
    assert "Result on test" in text
    assert "Result on fit" not in text
    assert "<summary>fit, 2020-01-01 to" in text


def test_the_market_the_command_and_the_config_are_there(two_seeds: SegmentResult) -> None:
    page = Page(render_report(report_of(two_seeds)))
    text = "".join(page.words)
    for needed in (market_of().digest, "benbot train quickstart", "f" * 40, "0123456789abcdef"):
        assert needed in text
    for needed in ("numpy 2.4.6", "2026-01-02T03:04:05+00:00", "name: demo", "a1b2c3"):
        assert needed in text
    assert page.row("BBB")[2:] == ["2020-01-03T21:00", "2020-01-05T21:00", "2", "1"]
    assert "sd(r) x sqrt(A)" in text  # the definitions are those of the code


def test_a_quiet_run_without_baselines_says_so(walk: Maker) -> None:
    quiet = walk(1, trades=np.zeros(0, TRADE), decisions=np.zeros(0, DECISION))
    text = render_report(report_of(SegmentResult("test", {0: quiet}, ())))
    for sentence in ("No baselines were evaluated", "No trade was closed", "No decision was"):
        assert sentence in text


POINTS = tuple(CostPoint(x, 0.05 - 0.02 * x, 100.0 * x, 4.0 * x) for x in (0.0, 1.0, 8.0))
EVEN = BreakEven(CostPoint(2.49, 0.0103, 250.0, 10.0), CostPoint(2.51, -0.0201, 251.0, 10.1))
EXAMINED = Examination(
    gates=(
        GateEffect("beta", 1234, 5, 6, 77, 8, 12.5, 0.25, -0.0123, 0.0045, 0.4),
        GateEffect("all gates", 1235, 5, 6, 78, 8, 12.6, 0.26, -0.0122, 0.0044, 0.4),
    ),
    costs=(
        CostCurve("agent", POINTS, EVEN),
        CostCurve("equal_weight", POINTS, None, "it never traded"),
    ),
    factors=Exposures(
        (
            Exposure("universe", "intercept", 0.031, 1.5, 250, 0.4),
            Exposure("universe", "universe", 0.87, 12.0, 250, 0.4),
        ),
        ("styles: not enough overlap, needs 60 daily returns and has 3",),
    ),
    extents=(Extent("gross", 0.5, 0.0, 1.2), Extent("beta", 0.31, -0.2, 0.9)),
    sectors=(SectorHolding("Energy", 0.11, 0.05, 0.3),),
)


def test_the_examination_is_told_in_full(two_seeds: SegmentResult) -> None:
    figures = {"costs": b"\x89PNG"}
    examined = replace(two_seeds, examination=EXAMINED, figures=figures)
    page = Page(render_report(report_of(examined)))
    assert page.open == []
    assert len(page.links) == 1
    row = ["beta", "1,234", "5", "6", "77", "8", "12.50", "+25.0 %", "−1.23 %", "0.45 %", "40.0 %"]
    assert page.row("beta", "1,234") == [cell.replace(" %", "\u202f%") for cell in row]
    assert page.row("× 8")[1:4] == ["−11.0\u202f%", "800", "32.00"]
    assert page.row("gross")[1:] == ["50.0\u202f%", "0.0\u202f%", "120.0\u202f%"]
    assert page.row("beta", "0.31")[1:] == ["0.31", "−0.20", "0.90"]
    assert page.row("Energy")[1:] == ["11.0\u202f%", "5.0\u202f%", "30.0\u202f%"]
    assert page.row("intercept")[2] == "+3.1\u202f%"
    assert page.row("universe")[2:4] == ["+0.87", "+12.00"]
    text = " ".join("".join(page.words).split())
    for sentence in (
        "Agent breaks even at 2.50 times the configured costs, which is 10.00 basis points",
        "(+1.0 % a year just below it, −2.0 % just above)",
        "Equal weight has no break-even cost: it never traded.",
        "Not regressed on the styles: not enough overlap",
        "With hindsight",
    ):
        assert sentence in text


def test_a_segment_that_was_not_examined_has_none_of_it(two_seeds: SegmentResult) -> None:
    text = render_report(report_of(two_seeds))
    for heading in ("would have earned", "If trading cost", "Exposures"):
        assert heading not in text


def test_profit_is_split_and_every_table_ends_in_all_of_it(two_seeds: SegmentResult) -> None:
    page = Page(render_report(report_of(two_seeds)))
    profit = sum(one.trades["profit"].sum() for one in two_seeds.agents.values())
    totals = [row for row in page.rows if row[:1] == ["all"]]
    assert len(totals) == 4
    assert {row[1] for row in totals} == {write_number(profit, "n", signed=True)}
    headings = [row[0] for row in page.rows if "profit factor" in row and "still open" in row]
    assert headings == ["strategy", "regime", "exit", "symbol"]
    assert page.row("AAA")[1] == totals[0][1]


def test_dividends_have_a_column_where_there_are_any(two_seeds: SegmentResult) -> None:
    assert "dividends" not in {
        cell for row in Page(render_report(report_of(two_seeds))).rows for cell in row
    }
    seed, one = next(iter(two_seeds.agents.items()))
    trades = one.trades.copy()
    trades["income"][0] = 12_345.0
    paid = replace(two_seeds, agents={seed: replace(one, trades=trades)})
    page = Page(render_report(report_of(paid)))
    assert "12,345" in page.row("all")


def test_the_same_report_is_the_same_page(two_seeds: SegmentResult) -> None:
    assert render_report(report_of(two_seeds)) == render_report(report_of(two_seeds))


def test_the_page_is_written_where_it_is_wanted(two_seeds: SegmentResult, tmp_path: Path) -> None:
    path = tmp_path / "runs" / "report.html"
    write_report(path, report_of(two_seeds))
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_report_on_nothing_is_refused(walk: Maker) -> None:
    with pytest.raises(InvalidParameter, match="at least one segment, was none"):
        report_of()
    with pytest.raises(InvalidParameter, match="segment test needs the evaluation of at least"):
        report_of(SegmentResult("test", {}, (walk(1),)))


def test_numbers_are_written_as_people_read_them() -> None:
    assert write_number(0.1234, "p") == "12.3\u202f%"
    assert write_number(0.12345, "P") == "12.35\u202f%"
    assert write_number(-0.5, "p", signed=True) == "−50.0\u202f%"
    assert write_number(1234567.0, "n") == "1,234,567"
    assert write_number(1.005) == "1.00"
    assert write_number(math.nan) == "–"
    assert write_number(-math.inf, "p") == "−∞"
    assert write_spread(Spread(0.1, 0.02), "p") == "10.0 ± 2.0\u202f%"
    assert write_spread(Spread(0.1, math.nan), "p") == "10.0\u202f%"


def test_the_verdict_stands_at_the_top_with_a_word_for_each_baseline(
    two_seeds: SegmentResult,
) -> None:
    curves = curves_of(two_seeds.agents, two_seeds.baselines)
    verdict = judge(curves, Family(7, 0.3, curves.returns(), 2), repetitions=200)
    text = render_report(replace(report_of(two_seeds), verdict=verdict))
    page = Page(text)
    assert page.open == []
    assert text.index("<h2>Verdict</h2>") < text.index("<h2>Result on test</h2>")
    assert f"agents is better than\n  {readable(verdict.standing.best_baseline)}, the best" in text
    assert "lost everything" not in text
    ruined = replace(verdict, ruined=(0, 1), elsewhere=3)
    other = render_report(replace(report_of(two_seeds), verdict=ruined))
    assert "<dd>lost everything: seed 0, 1</dd>" in other
    assert "(3 more were not judged on these bars)" in other
    for one in verdict.rulings:
        row = page.row(one.baseline.replace("_", " "), one.word)
        assert row[4] == f"{one.p_value:.3f}"
    assert "deflated for 7 trials" in text
    assert "were asked 2 times" in text
    assert "verdict on one policy" not in text
    assert "<h2>Verdict</h2>" not in render_report(report_of(two_seeds))


def test_a_verdict_on_one_seed_says_that_it_is_one_and_comes_back_from_its_file(
    walk: Maker,
) -> None:
    segment = SegmentResult("test", {0: walk(1)}, (walk(2, name="cash"),))
    curves = curves_of(segment.agents, segment.baselines)
    verdict = judge(curves, Family(1, math.nan, curves.returns(), 1), repetitions=200)
    text = render_report(replace(report_of(segment), verdict=verdict))
    assert "this is a verdict on one policy, not on its kind" in text
    assert repr(verdict_from_json(verdict_as_json(verdict))) == repr(verdict)


def test_every_fold_has_a_row_with_its_days(two_seeds: SegmentResult) -> None:
    days = {name: f"{name} days" for name in ("fit", "valid", "test")}
    rows = (FoldRow(1, days, Spread(0.04, 0.01), {"equal_weight": 0.03, "cash": math.nan}),)
    page = Page(render_report(replace(report_of(two_seeds), folds=rows)))
    assert page.row("1") == [
        "1",
        "fit days",
        "valid days",
        "test days",
        "4.0 ± 1.0\u202f%",
        "3.0\u202f%",
        "–",
    ]
