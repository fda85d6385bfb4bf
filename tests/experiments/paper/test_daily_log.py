"""Reports reach MLflow once, whoever is killed, and wait where MLflow does not answer."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from mlflow import MlflowClient

from benbot.envs.errors import TrackingUnavailable
from benbot.experiments.paper import daily_log
from benbot.experiments.paper.daily_log import Home, after_session
from benbot.paper.reports import kept_reports
from tests.experiments.paper.conftest import N_BARS

NOW = datetime(2026, 1, 5, tzinfo=UTC)


@pytest.fixture
def client(store: str) -> MlflowClient:
    return MlflowClient(tracking_uri=store, registry_uri=store)


def only_run(client: MlflowClient, small: Any) -> Any:  # noqa: ANN401
    (run,) = client.search_runs([small.followed.home.experiment_id], "tags.paper LIKE '%'")
    return run


def test_every_day_is_tracked_once_in_one_run(small: Any, client: MlflowClient) -> None:  # noqa: ANN401
    small.trade(N_BARS)
    said = after_session(small.followed, NOW)
    assert said == [
        f"reported {N_BARS} days to 2021-02-19, {N_BARS} of them new",
        f"tracked {N_BARS} days",
    ]
    assert after_session(small.followed, NOW) == []
    assert after_session(small.followed, NOW, again=True)[0].endswith("0 of them new")
    run = only_run(client, small)
    assert (run.data.tags["paper"], run.data.tags["paper_policy"]) == ("replay", "a-run")
    history = client.get_metric_history(run.info.run_id, "paper/equity")
    equity = small.rows.equity[1:]
    assert [one.value for one in history] == [row["equity"] for row in equity]
    assert [one.timestamp for one in history] == [row["moment"] // 1000 for row in equity]
    days = [one.day for one in kept_reports(small.followed.url, "replay")]
    epoch = date(1970, 1, 1)
    assert [one.step for one in history] == [(date.fromisoformat(day) - epoch).days for day in days]
    files = {one.path for one in client.list_artifacts(run.info.run_id, "paper")}
    assert files == {f"paper/{day}.json" for day in days}


def test_the_account_goes_on_in_the_same_run(small: Any, client: MlflowClient) -> None:  # noqa: ANN401
    after_session(small.followed, NOW)
    small.trade(N_BARS + 2)
    assert after_session(small.followed, NOW)[-1] == "tracked 2 days"
    run = only_run(client, small)
    history = client.get_metric_history(run.info.run_id, "paper/equity")
    assert len(history) == N_BARS + 2
    assert {one.value for one in client.get_metric_history(run.info.run_id, "paper/gap")} == {0.0}


@pytest.mark.parametrize("where", ["note_tracked", "_log"])
def test_who_is_killed_between_two_steps_says_nothing_twice(
    where: str,
    small: Any,  # noqa: ANN401
    client: MlflowClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, calls = getattr(daily_log, where), []

    def dies(*words: Any) -> None:  # noqa: ANN401
        calls.append(words)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(*words)

    monkeypatch.setattr(daily_log, where, dies)
    with pytest.raises(KeyboardInterrupt):
        after_session(small.followed, NOW)
    monkeypatch.setattr(daily_log, where, real)
    after_session(small.followed, NOW)
    run = only_run(client, small)
    for name in ("paper/equity", "paper/growth", "paper/n_orders"):
        assert len(client.get_metric_history(run.info.run_id, name)) == N_BARS, name
    assert all(one.run for one in kept_reports(small.followed.url, "replay"))


def test_where_nobody_answers_nothing_is_lost_and_nothing_stops(
    small: Any,  # noqa: ANN401
    client: MlflowClient,
) -> None:
    nowhere = replace(small.followed, home=Home("sqlite:////nowhere/mlflow.db", "1"))
    said = after_session(nowhere, NOW)
    assert said[0].startswith("reported")
    assert said[1].startswith("not tracked, and tried again with the next day: ")
    assert {one.run for one in kept_reports(small.followed.url, "replay")} == {""}
    assert after_session(small.followed, NOW) == [f"tracked {N_BARS} days"]
    with pytest.raises(TrackingUnavailable):
        daily_log._client("sqlite:////nowhere/mlflow.db")


def test_the_file_is_the_report(small: Any, client: MlflowClient, tmp_path: Any) -> None:  # noqa: ANN401
    after_session(small.followed, NOW)
    run, kept = only_run(client, small), kept_reports(small.followed.url, "replay")[0]
    path = client.download_artifacts(run.info.run_id, f"paper/{kept.day}.json", str(tmp_path))
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as text
        assert json.load(file) == kept.told


def test_an_account_that_is_not_tracked_is_reported_all_the_same(small: Any) -> None:  # noqa: ANN401
    alone = replace(small.followed, home=None)
    assert len(after_session(alone, NOW)) == 1
    assert len(kept_reports(alone.url, "replay")) == N_BARS
