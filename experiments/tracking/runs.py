"""One run that is being recorded: its parameters, numbers, files, data and policy."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import numpy as np

from benbot.envs.errors import RunMismatch, TrackingUnavailable, UnknownName
from benbot.envs.market.market import Market
from benbot.envs.market.summary import iso_minute
from benbot.experiments.tracking.store import reaching

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric
    from mlflow.entities import Run as Record

UNDEFINED = "undefined_metrics"
VERSIONS = "mlflow.modelVersions"  # links a logged model to its registered versions in the UI
METRICS_A_CALL, OTHERS_A_CALL = 1000, 100  # what one call of log_batch may carry
LONGEST_VALUE = 500  # of a parameter; older servers refuse more
SECONDS_BETWEEN_FLUSHES = 5.0
CLAIM = "claim."  # parameters that begin so were taken with `claim` and say nothing of the run
ATTEMPTS, PAUSE = 20, 0.2  # at a store that is busy, and seconds between two of them


class Status(StrEnum):
    """How a run stands."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


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
        kept = self._read().data.params.items()
        return {name: value for name, value in kept if not name.startswith(CLAIM)}

    @property
    def claims(self) -> set[str]:
        """What was taken with `claim`, by anybody."""
        kept = self._read().data.params
        return {name.removeprefix(CLAIM) for name in kept if name.startswith(CLAIM)}

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

    def claim(self, name: str) -> bool:
        """Take something of which a run has one; return whether nobody else had, or did at once.

        Of two that set a parameter at the same time a store refuses one, in whatever process or on
        whatever machine they are; of a tag it would keep the later.
        """
        from mlflow.exceptions import MlflowException

        key, mine = f"{CLAIM}{name}", uuid4().hex
        for _ in range(ATTEMPTS):
            try:
                self._client.log_param(self.id, key, mine)
            except MlflowException as error:
                refused = error
            kept = self._read().data.params.get(key)
            if kept is not None:
                return bool(kept == mine)
            time.sleep(PAUSE)
        raise TrackingUnavailable(f"the tracking store {self._uri} must answer, was: {refused}")

    def flush(self) -> None:
        """Send the metrics that wait; it happens by itself every few seconds and at the end."""
        while self._waiting:
            with reaching(self._uri):
                self._client.log_batch(self.id, metrics=self._waiting[:METRICS_A_CALL])
            del self._waiting[:METRICS_A_CALL]
        self._flushed = self._clock()

    def log_dataset(self, market: Market, context: str) -> None:
        """Record which data was used for what: name, digest, span and shape, not the data.

        MLflow keeps a digest once per run, with its first context, so hand over the stretch that
        was used (`market.between`) and not the whole market for every context.
        """
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

    def read_file(self, name: str) -> bytes:
        """Return the content of one file of the run; `name` is as `log_file` had it."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        with TemporaryDirectory() as folder:
            try:
                path = download_artifacts(
                    run_id=self.id, artifact_path=name, dst_path=folder, tracking_uri=self._uri
                )
            except (MlflowException, OSError) as error:
                raise UnknownName(
                    f"a file of run {self.id} must be one that it has, was {name!r}"
                ) from error
            return Path(path).read_bytes()

    def register_policy(self, folder: Path, name: str, alias: str | None) -> str:
        """Store a policy's folder as a model of this run, register it, and return its version.

        The files are stored as they are, without a pickle and without code to load them; `alias`,
        if there is one, moves to the new version: `models:/<name>@<alias>` names it from now on.
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
            named = [{"name": name, "version": str(version.version)}]
            client.set_logged_model_tags(model.model_id, {VERSIONS: json.dumps(named)})
            if alias is not None:
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
