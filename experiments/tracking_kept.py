"""Runs as a store keeps them: all of an experiment, read at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benbot.experiments.tracking_store import check_reachable, quieten, reaching

if TYPE_CHECKING:
    from mlflow.entities import Run as Record

PARENT = "mlflow.parentRunId"
PAGE = 1000  # runs that one question may bring


@dataclass(frozen=True)
class Kept:
    """A run as it was when it was read; `parent` is empty for one without."""

    id: str
    name: str
    parent: str
    status: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]


def named_experiment(uri: str, name: str) -> str | None:
    """Return the id of the experiment of that name, if there is one; none is made."""
    check_reachable(uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(uri):
        found = MlflowClient(tracking_uri=uri, registry_uri=uri).get_experiment_by_name(name)
    return None if found is None else str(found.experiment_id)


def kept_runs(uri: str, experiment_id: str) -> list[Kept]:
    """Return all runs of an experiment, the newest first."""
    check_reachable(uri)
    quieten()
    from mlflow import MlflowClient

    runs: list[Kept] = []
    token = None
    with reaching(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        while True:
            page = client.search_runs(
                [experiment_id],
                order_by=["attributes.start_time DESC"],
                max_results=PAGE,
                page_token=token,
            )
            runs += [_kept(record) for record in page]
            token = page.token
            if not token:
                return runs


def _kept(record: "Record") -> Kept:
    tags = dict(record.data.tags)
    return Kept(
        id=record.info.run_id,
        name=record.info.run_name,
        parent=tags.get(PARENT, ""),
        status=record.info.status,
        tags=tags,
        metrics=dict(record.data.metrics),
    )
