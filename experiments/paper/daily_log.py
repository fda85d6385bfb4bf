"""Daily reports in MLflow: a run for each account, in the experiment of its policy's training.

A report is in the paper store before anybody tries to track it. What cannot be tracked today is
tracked with the next day, and the loop never hears of it: trading does not wait for a chart. Said
twice is said once, so whoever is killed in the middle says it again.

step        of a metric: the day, counted from 1970
timestamp   the last close of the day
"""

from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from benbot.agents.evaluation import evaluate
from benbot.agents.policy import Policy
from benbot.envs.arrays import FloatArray
from benbot.envs.errors import TrackingUnavailable, UnknownName
from benbot.envs.history import History, Span
from benbot.envs.vector import EnvironmentSettings
from benbot.experiments.tracking.kept import PAPER
from benbot.experiments.tracking.store import check_there, quieten, reaching
from benbot.paper.account_rows import AccountRows, key_of_account, rows_of
from benbot.paper.daily import Reported, daily_report, days_of
from benbot.paper.report import metrics_of
from benbot.paper.reports import KeptReport, keep_reports, kept_reports, note_tracked
from benbot.paper.store import reading
from benbot.strategies.shift import Training

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY = "paper_key"  # tag: which account, whatever store it lies in
ORIGIN = "paper_policy"  # tag: the run that trained its policy
FOLDER = "paper"  # of the reports among the files of the run
EVER = "1970-01-01"
MOST_MOVES = 20  # that are told one by one, the last ones


@dataclass(frozen=True)
class Home:
    """Where an account is tracked: a store, an experiment of it, and the run of its policy."""

    uri: str
    experiment_id: str
    origin: str = ""


@dataclass(frozen=True, eq=False)
class Followed:
    """An account and what its reports are made of.

    url        of the paper store
    history    that it trades on, with every bar that it was marked in
    training   what its policy was trained on; None: no features are compared
    home       None: nothing is tracked
    """

    url: str
    account: str
    history: History
    policy: Policy
    environment: EnvironmentSettings
    training: Training | None = None
    home: Home | None = None


def after_session(followed: Followed, now: datetime, *, again: bool = False) -> list[str]:
    """Report every day that is over and was not reported, and track what is not tracked yet.

    Returns what is to be said of it. `again` makes the reports of all days anew; those that say
    something else are tracked once more. Call it after the last close of a session: a day counts
    as over when its last bar that the history knows has closed.
    """
    rows = read_rows(followed.url, followed.account)
    known = {one.day for one in kept_reports(followed.url, followed.account)}
    days = [day for day in days_of(rows, followed.history) if again or day.date not in known]
    said = []
    if days:
        made_of = Reported(rows, followed.history, followed.training, shadow_of(followed, rows))
        reports = [daily_report(made_of, day) for day in days]
        new = keep_reports(followed.url, reports, now)
        said.append(f"reported {len(reports)} days to {days[-1].date}, {new} of them new")
        moves = [f"{report.day}: {move}" for report in reports for move in report.moves]
        said += moves[-MOST_MOVES:]
    if followed.home is None:
        return said
    try:
        n_tracked = track(followed, followed.home, rows)
    except (TrackingUnavailable, UnknownName) as error:
        return [*said, f"not tracked, and tried again with the next day: {error}"]
    return [*said, f"tracked {n_tracked} days"] if n_tracked else said


def read_rows(url: str, account: str) -> AccountRows:
    """Return the rows of an account."""
    with reading(url) as connection:
        return rows_of(connection, account)


def shadow_of(followed: Followed, rows: AccountRows) -> FloatArray | None:
    """Return what the environment makes of the bars of the account, close by close.

    Its policy has the bars of before the account in its memory as little as the account's had.
    """
    if rows.last_closed <= rows.first_bar:
        return None
    span = Span(rows.first_bar, rows.last_closed)
    policy = deepcopy(followed.policy)  # that of the loop must not lose its memory
    return evaluate(policy, followed.history, span, followed.environment).equity


def track(followed: Followed, home: Home, rows: AccountRows) -> int:
    """Track the reports that are not, the first day first, and return how many those were."""
    waiting = [one for one in kept_reports(followed.url, followed.account) if not one.run]
    if not waiting:
        return 0
    client = _client(home.uri)
    with reaching(home.uri):
        run_id = _run_of(client, home, rows)
        for report in waiting:
            _log(client, run_id, report, _closed_at(rows, report))
            note_tracked(followed.url, followed.account, report.day, run_id)
    return len(waiting)


def _client(uri: str) -> "MlflowClient":
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _run_of(client: "MlflowClient", home: Home, rows: AccountRows) -> str:
    """Return the run of an account, which is begun if there is none."""
    key = key_of_account(rows)
    found = client.search_runs([home.experiment_id], f"tags.`{KEY}` = '{key}'", max_results=1)
    if found:
        return str(found[0].info.run_id)
    name = rows.account["account"]
    tags = {PAPER: name, KEY: key, ORIGIN: home.origin}
    began = rows.account["began"] // 1000
    run = client.create_run(home.experiment_id, began, tags, f"paper {name}")
    return str(run.info.run_id)


def _log(client: "MlflowClient", run_id: str, report: KeptReport, closed_at: int) -> None:
    from mlflow.entities import Metric

    told = report.told
    client.log_text(run_id, report.text, f"{FOLDER}/{report.day}.json")
    step = int((np.datetime64(report.day) - np.datetime64(EVER)).astype(np.int64))
    # Numbers and times follow from the report: MLflow keeps what it is told twice once.
    numbers = metrics_of(told).items()
    metrics = [Metric(name, value, closed_at // 1000, step) for name, value in numbers]
    client.log_batch(run_id, metrics=metrics)


def _closed_at(rows: AccountRows, report: KeptReport) -> int:
    last = int(report.told["bars"][1])
    return int(rows.equity[last - rows.first_bar]["moment"])
