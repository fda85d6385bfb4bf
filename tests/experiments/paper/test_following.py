"""An account in a market that goes on is reported while it trades, and later the same again."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benbot.envs.errors import RunMismatch
from benbot.experiments.paper.daily_log import after_session
from benbot.experiments.paper.following import Question, Reporter, followed
from benbot.experiments.paper.live import Place, undertaking_of
from benbot.experiments.paper.reconcile_view import Asked as Compared
from benbot.experiments.paper.reconcile_view import show_reconciliation
from benbot.experiments.paper.subject import Asked
from benbot.paper.live import Timing
from benbot.paper.reports import kept_reports
from tests.experiments.paper.test_paper_cli import TINY
from tests.paper.live_accounts import BAR, PERIOD, Hands, run_cycles

NOW = datetime(2026, 1, 5, tzinfo=UTC)
N_CYCLES = 34  # four a bar


class Silent:
    """A console that prints nothing."""

    def print(self, *_: object, **__: object) -> None:
        pass


def test_what_the_loop_reports_is_what_is_reported_later(tmp_path: Path, store: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"{TINY}tracking: {{uri: '{store}', experiment: tiny}}\n")
    asked = Asked(str(config))
    place = Place("main", tmp_path, None, 3, Timing(BAR, PERIOD))
    said: list[str] = []
    with undertaking_of(asked, place) as (who, one):
        reporter = Reporter(asked, who.prepared, one)

        def look(on: Any, cycle: object) -> None:  # noqa: ANN401
            said.extend(reporter.look(on, NOW))

        run_cycles(one, Hands(), N_CYCLES, look)
    kept = kept_reports(place.url, "main")
    assert len(kept) >= 5
    assert all(report.run for report in kept)
    assert said.count("tracked 1 days") == len(kept)
    for report in kept:
        assert report.told["features"]["unlike"] == 0
    assert sum(len(report.told["fills"]) for report in kept) > 0
    with followed(asked, Question(place.url, "main", tracks=False)) as (made, _):
        told = after_session(made, NOW, again=True)
    assert told == [f"reported {len(kept)} days to {kept[-1].day}, 0 of them new"]
    with (
        pytest.raises(RunMismatch, match="with the policy it began with"),
        followed(replace(asked, baseline="cash"), Question(place.url, "main", tracks=False)),
    ):
        pass
    compared = Compared(place.url, "main", "simulated", tmp_path)
    assert show_reconciliation(compared, Silent())  # type: ignore[arg-type]


def test_a_report_does_not_touch_the_memory_of_a_policy(small: Any) -> None:  # noqa: ANN401
    policy = small.followed.policy
    policy.reset()
    policy.weights(small.followed.history.features.rows[40])
    assert len(policy.seen) == 1
    after_session(replace(small.followed, home=None), NOW)
    assert len(policy.seen) == 1
