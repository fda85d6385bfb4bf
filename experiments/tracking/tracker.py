"""Runs recorded in MLflow: a parent for one training, a child for each of its seeds.

Everything goes through `MlflowClient` and explicit run ids; there is no active run to lose.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.settings import Settings
from benbot.experiments.tracking.kept import PARENT
from benbot.experiments.tracking.runs import Run, Status
from benbot.experiments.tracking.store import (
    artifact_location,
    check_kind,
    check_reachable,
    check_there,
    quieten,
    reaching,
)
from benbot.experiments.tracking.view import experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = [
    "COMMIT",
    "NOTE",
    "PARENT",
    "SOURCE",
    "Run",
    "Status",
    "Tracker",
    "TrackingSettings",
    "find_run",
    "newest_experiment",
    "open_tracker",
]

NOTE = "mlflow.note.content"  # tag: Markdown at the top of a run's page
SOURCE = "mlflow.source.name"  # tag: the column "Source" of the list of runs
COMMIT = "mlflow.source.git.commit"  # tag: shown beside the source


class TrackingSettings(Settings):
    """Where runs are recorded."""

    uri: str = Field(
        default="sqlite:///mlflow.db",
        description="a database (sqlite, postgresql, mysql, mssql) or a server (http, https)",
    )
    experiment: str = Field(
        default="benbot", min_length=1, description="runs of one experiment are listed together"
    )
    artifacts: str | None = Field(
        default=None,
        description="folder or URI for files of new experiments; default mlartifacts beside an "
        "SQLite database, otherwise the server's choice",
    )

    @field_validator("uri")
    @classmethod
    def _usable(cls, value: str) -> str:
        if urlsplit(value).password:
            raise ValueError(
                "must not hold a password, because configurations are recorded with every run; "
                "give it by PGPASSWORD, MYSQL_PWD or MLFLOW_TRACKING_PASSWORD"
            )
        return check_kind(value)


def open_tracker(
    settings: TrackingSettings, *, clock: Callable[[], float] = time.time
) -> "Tracker":
    """Return a tracker on a store that has just been written to; `clock` gives Unix seconds."""
    check_reachable(settings.uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(settings.uri):
        client = MlflowClient(tracking_uri=settings.uri, registry_uri=settings.uri)
        found = client.get_experiment_by_name(settings.experiment)
        if found is None:
            location = artifact_location(settings.uri, settings.artifacts)
            created = client.create_experiment(settings.experiment, location, experiment_tags())
            return Tracker(settings.uri, client, created, clock)
    if found.lifecycle_stage != "active":
        raise UnknownName(
            f"tracking.experiment must not be a deleted one, was {settings.experiment!r}. Bring it "
            f"back with `mlflow experiments restore --experiment-id {found.experiment_id}` or "
            "choose another name"
        )
    return Tracker(settings.uri, client, found.experiment_id, clock)


def newest_experiment(uri: str) -> str | None:
    """Return the id of the experiment in which a run began last; None without any run."""
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        everywhere = [found.experiment_id for found in client.search_experiments()]
        runs = client.search_runs(
            everywhere, order_by=["attributes.start_time DESC"], max_results=1
        )
    return runs[0].info.experiment_id if runs else None


def find_run(uri: str, run_id: str, *, clock: Callable[[], float] = time.time) -> Run:
    """Return a recorded run of a store, of which no experiment is opened and so none is made."""
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return _find_run(uri, client, run_id, clock)


def _find_run(uri: str, client: "MlflowClient", run_id: str, clock: Callable[[], float]) -> Run:
    from mlflow.exceptions import MlflowException

    try:
        return Run(uri, client, client.get_run(run_id), clock)
    except MlflowException as error:
        raise UnknownName(
            f"run must be the id of a recorded one, was {run_id!r}, which {uri} does not have. The "
            "ids are in the UI and at the end of a training"
        ) from error


class Tracker:
    """One experiment of one store."""

    def __init__(
        self, uri: str, client: "MlflowClient", experiment_id: str, clock: Callable[[], float]
    ) -> None:
        self.uri = uri
        self.experiment_id = experiment_id
        self._client = client
        self._clock = clock

    def start_run(
        self, name: str, tags: Mapping[str, object] | None = None, parent: "Run | None" = None
    ) -> "Run":
        """Begin a run; with a parent it is listed below that one, which must have none itself."""
        labels = {key: str(value) for key, value in (tags or {}).items()}
        if parent is not None:
            if PARENT in parent.tags:
                raise RunMismatch(f"a parent run must not be a child itself, was {parent.name}")
            labels[PARENT] = parent.id
        with reaching(self.uri):
            started = round(self._clock() * 1000)
            record = self._client.create_run(self.experiment_id, started, labels, name)
        return Run(self.uri, self._client, record, self._clock)

    def find_run(self, run_id: str) -> "Run":
        """Return a run that was recorded before, whatever its experiment."""
        return _find_run(self.uri, self._client, run_id, self._clock)

    def children(self, parent: "Run") -> "list[Run]":
        """Return the runs below a parent, the oldest first."""
        wanted = f"tags.`{PARENT}` = '{parent.id}'"
        with reaching(self.uri):
            records = self._client.search_runs(
                [parent.experiment_id], wanted, order_by=["attributes.start_time ASC"]
            )
        return [Run(self.uri, self._client, record, self._clock) for record in records]
