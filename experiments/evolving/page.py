"""The HTML page of a search: how it went, what it found, and what is left of it outside fit."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benbot.experiments.config import load_config
from benbot.experiments.evolving.family_tree import family_svg
from benbot.experiments.evolving.figures import CAPTIONS, search_figures
from benbot.experiments.evolving.record import RECORD_FILE, SearchRecord, Winner, read_record
from benbot.experiments.evolving.tree_figure import tree_svg
from benbot.experiments.report.page import environment
from benbot.experiments.resolved import config_digest, resolved_yaml
from benbot.experiments.tracking.provenance import Provenance, git_commit, installed_versions
from benbot.experiments.training.training import CONFIG_FILE
from benbot.strategies.programs.notation import from_json

REPORT_FILE = "report.html"


@dataclass(frozen=True)
class SearchReport:
    """All that the page is made of; `openings` counts how often its test was asked for."""

    name: str
    records: Sequence[SearchRecord]
    openings: int
    config_yaml: str
    provenance: Provenance

    @property
    def segment(self) -> str:
        """The segment that counts: test once it is open."""
        return "test" if all("test" in each.stretches for each in self.records) else "valid"


def write_search(folder: Path, command: str, openings: int) -> Path:
    """Write the page of a run from its files beside them, and return where it is."""
    path = folder / REPORT_FILE
    path.write_text(render_search(report_of(folder, command, openings)), encoding="utf-8")
    return path


def is_reported(folder: Path) -> bool:
    """Return whether these are the files of a search that has ended with a record."""
    return any(folder.glob(f"seed-*/{RECORD_FILE}"))


def report_of(folder: Path, command: str, openings: int) -> SearchReport:
    """Return the report of the files of a run."""
    config = load_config(folder / CONFIG_FILE)
    provenance = Provenance(
        command=command,
        git_commit=git_commit(Path(__file__).parent),
        config_digest=config_digest(config),
        created=datetime.now(UTC),
        versions=installed_versions(),
        run_id=folder.name,
    )
    records = [read_record(folder / f"seed-{seed}") for seed in config.seeds]
    return SearchReport(config.name, records, openings, resolved_yaml(config), provenance)


def render_search(report: SearchReport) -> str:
    """Return the page as text; the same report gives the same text."""
    page = environment().get_template("search.html.j2")
    return page.render(
        report=report,
        first=report.records[0],
        figures={each.seed: search_figures(each) for each in report.records},
        captions=CAPTIONS,
        trees={each.name: tree_of(each) for one in report.records for each in one.winners},
        family_of=family_svg,
        best_random=best_random,
    )


def tree_of(winner: Winner) -> str:
    """Return the drawing of a member that is a program; of any other nothing."""
    if not (isinstance(winner.genome, Mapping) and "version" in winner.genome):
        return ""
    return tree_svg(from_json(json.dumps(winner.genome)))


def best_random(record: SearchRecord, segment: str) -> dict[str, Any]:
    """Return how many random pools there are on a segment, and how many the pool is ahead of."""
    stretch = record.stretches[segment]
    pool, random = stretch.group("pool"), stretch.group("random candidates")
    peers = random.peers if random else ()
    ahead = sum(pool.sharpe_ratio > each for each in peers) if pool else 0
    return {"n": len(peers), "ahead": ahead}
