"""Runs recorded in MLflow: a parent for one training, a child for each of its seeds.

Everything goes through `MlflowClient` and explicit run ids; there is no active run to lose.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, field_validator

from benbot.envs.errors import RunMismatch, UnknownName
from benbot.envs.market.market import Market
from benbot.envs.settings import Settings
from benbot.experiments.market_summary import iso_minute
from benbot.experiments.tracking_store import (
    DATABASES,
    SERVERS,
    artifact_location,
    check_reachable,
    quieten,
    reaching,
    scheme_of,
)
from benbot.experiments.tracking_view import experiment_tags

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.entities import Run as Record

PARENT = "mlflow.parentRunId"
NOTE = "mlflow.note.content"
SOURCE = "mlflow.source.name"
COMMIT = "mlflow.source.git.commit"
UNDEFINED = "undefined_metrics"
METRICS_A_CALL, OTHERS_A_CALL = 1000, 100  # what one call of log_batch may carry
LONGEST_VALUE = 500  # of a parameter; older servers refuse more
SECONDS_BETWEEN_FLUSHES = 5.0


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
    def _known_scheme(cls, value: str) -> str:
        if scheme_of(value) not in (*DATABASES, *SERVERS):
            raise ValueError(
                "must begin with sqlite:///, postgresql://, mysql://, mssql://, http:// or "
                f"https://, was {value!r}; MLflow no longer keeps runs in plain folders"
            )
        return value


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


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
        from mlflow.exceptions import MlflowException

        try:
            record = self._client.get_run(run_id)
        except MlflowException as error:
            raise UnknownName(
                f"run must be the id of a recorded one, was {run_id!r}. The ids are in the UI and "
                "in the last line of a training"
            ) from error
        return Run(self.uri, self._client, record, self._clock)

    def children(self, parent: "Run") -> "list[Run]":
        """Return the runs below a parent, the oldest first."""
        wanted = f"tags.`{PARENT}` = '{parent.id}'"
        with reaching(self.uri):
            records = self._client.search_runs(
                [parent.experiment_id], wanted, order_by=["attributes.start_time ASC"]
            )
        return [Run(self.uri, self._client, record, self._clock) for record in records]


class Run:
    """One run that is being recorded; as a context manager it ends as its block ends.

    Leaving the block finishes the run, an exception fails it, Ctrl-C marks it killed.
    """

    def __init__(
        self, uri: str, client: "MlflowClient", record: "Record", clock: Callable[[], float]
    ) -> None:
        self.id: str = record.info.run_id
        self.name: str = record.info.run_name
        self.experiment_id: str = record.info.experiment_id
        self._uri = uri
        self._client = client
        self._clock = clock
        self._waiting: list[Metric] = []
        self._flushed = clock()
        self._undefined: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.finish(Status.KILLED if issubclass(kind, KeyboardInterrupt) else Status.FAILED)

    @property
    def tags(self) -> dict[str, str]:
        """The tags as the store has them now."""
        return dict(self._read().data.tags)

    @property
    def params(self) -> dict[str, str]:
        """The parameters as the store has them now."""
        return dict(self._read().data.params)

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of every metric that the store has now."""
        return dict(self._read().data.metrics)

    @property
    def status(self) -> Status:
        """How the run stands in the store now."""
        return Status(self._read().info.status)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set labels by which runs are filtered, grouped and compared."""
        from mlflow.entities import RunTag

        for part in _parts(tags, OTHERS_A_CALL):
            labels = [RunTag(key, str(value)) for key, value in part]
            with reaching(self._uri):
                self._client.log_batch(self.id, tags=labels)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Record what does not change during the run; a long value is cut, ending in "…"."""
        from mlflow.entities import Param

        for part in _parts(params, OTHERS_A_CALL):
            batch = [Param(key, stored(value)) for key, value in part]
            with reaching(self._uri):
                self._client.log_batch(self.id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record numbers, sent in batches; see `flush`.

        What is not finite is left out: MLflow would store an infinity as 1.8e308, which flattens
        every chart. `finish` lists the names of what was left out in the tag `undefined_metrics`.
        """
        from mlflow.entities import Metric

        now = round(self._clock() * 1000)
        for name, value in metrics.items():
            if np.isfinite(value):
                self._waiting.append(Metric(name, float(value), now, step))
            else:
                self._undefined.add(name)
        late = self._clock() - self._flushed >= SECONDS_BETWEEN_FLUSHES
        if late or len(self._waiting) >= METRICS_A_CALL:
            self.flush()

    def flush(self) -> None:
        """Send the metrics that wait; it happens by itself every few seconds and at the end."""
        while self._waiting:
            with reaching(self._uri):
                self._client.log_batch(self.id, metrics=self._waiting[:METRICS_A_CALL])
            del self._waiting[:METRICS_A_CALL]
        self._flushed = self._clock()

    def log_dataset(self, market: Market, context: str) -> None:
        """Record which data was used for what: name, digest, span and shape, not the data."""
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.numpy_dataset import from_numpy
        from mlflow.entities import DatasetInput, InputTag

        origin = {
            "source": market.origin.source,
            "adjustment": market.origin.adjustment,
            "first": iso_minute(market.timestamps[0]),
            "last": iso_minute(market.timestamps[-1]),
            "symbols": ", ".join(market.symbols),
            "notes": "; ".join(market.origin.notes),
        }
        known = ("open", "high", "low", "close") if market.has_range else ("close",)
        dataset = from_numpy(
            {name: getattr(market, name) for name in known},
            source=CodeDatasetSource(origin),
            name=Path(market.origin.source).name,
            digest=market.digest,
        )
        used = DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", context)])
        with reaching(self._uri):
            self._client.log_inputs(self.id, [used])

    def log_artifacts(self, folder: Path, into: str | None = None) -> None:
        """Copy a folder's files to the run, below `into` if that is given."""
        with reaching(self._uri):
            self._client.log_artifacts(self.id, str(folder), into)

    def log_file(self, name: str, content: bytes | str) -> None:
        """Write one file to the run; `name` may have folders: "figures/equity.png"."""
        path = Path(name)
        with TemporaryDirectory() as folder:
            written = Path(folder) / path.name
            written.write_bytes(content.encode() if isinstance(content, str) else content)
            into = None if path.parent == Path() else path.parent.as_posix()
            with reaching(self._uri):
                self._client.log_artifact(self.id, str(written), into)

    def register_policy(self, folder: Path, name: str, alias: str) -> str:
        """Store a policy's folder as a model of this run, register it, and return its version.

        The files are stored as they are, without a pickle and without code to load them; `alias`
        moves to the new version, so that `models:/<name>@<alias>` names it from now on.
        """
        from mlflow.entities import LoggedModelOutput

        with reaching(self._uri):
            client = self._client
            model = client.create_logged_model(self.experiment_id, name, self.id)
            client.log_model_artifacts(model.model_id, str(folder))
            client.finalize_logged_model(model.model_id, "READY")
            client.log_outputs(self.id, [LoggedModelOutput(model.model_id, step=0)])
            if not client.search_registered_models(f"name = '{name}'"):
                client.create_registered_model(name)
            version = client.create_model_version(
                name, model.artifact_location, self.id, model_id=model.model_id
            )
            client.set_registered_model_alias(name, alias, version.version)
        return str(version.version)

    def require_params(self, params: Mapping[str, object]) -> None:
        """Refuse to go on with a run whose parameters were others, naming each."""
        then = self.params
        now = {key: stored(value) for key, value in params.items()}
        changed = [
            f"{key} was {then.get(key, 'not set')}, is now {now.get(key, 'not set')}"
            for key in sorted(then.keys() | now.keys())
            if then.get(key) != now.get(key)
        ]
        if changed:
            raise RunMismatch(
                f"run {self.id} can only go on with the configuration it began with; "
                f"{'; '.join(changed)}. Undo the change or start a new run"
            )

    def resume(self) -> None:
        """Mark a run that had ended as running again."""
        with reaching(self._uri):
            self._client.update_run(self.id, Status.RUNNING.value)

    def finish(self, status: Status = Status.FINISHED) -> None:
        """Send what waits and end the run."""
        self.flush()
        if self._undefined:
            self.set_tags({UNDEFINED: ", ".join(sorted(self._undefined))})
        with reaching(self._uri):
            ended = round(self._clock() * 1000)
            self._client.set_terminated(self.id, status.value, ended)

    def _read(self) -> "Record":
        with reaching(self._uri):
            return self._client.get_run(self.id)


def stored(value: object) -> str:
    """Return a parameter as the text that is stored for it."""
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"


def _parts(values: Mapping[str, Any], size: int) -> Iterator[list[tuple[str, Any]]]:
    """Yield the entries of a mapping in lists of at most `size`."""
    entries = iter(values.items())
    while part := list(islice(entries, size)):
        yield part
