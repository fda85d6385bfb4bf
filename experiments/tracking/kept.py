"""Runs as a store keeps them: all of an experiment, read at once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benbot.experiments.tracking.store import check_there, quieten, reaching

if TYPE_CHECKING:
    from mlflow.entities import Run as Record
    from mlflow.store.entities import PagedList

PARENT = "mlflow.parentRunId"
PAPER = "paper"  # tag of a run that tracks an account of paper trading: the account's name
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
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(uri):
        found = MlflowClient(tracking_uri=uri, registry_uri=uri).get_experiment_by_name(name)
    return None if found is None else str(found.experiment_id)


def kept_runs(uri: str, experiment_id: str) -> list[Kept]:
    """Return all runs of an experiment, the newest first."""
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    with reaching(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        return _all(lambda token: client.search_runs([experiment_id], "", **_page(token)))


def tagged_runs(uri: str, tag: str) -> list[Kept]:
    """Return all runs of a store that have a tag, the newest first; those deleted are among them.

    Whoever deletes a run has seen it.
    """
    check_there(uri)
    quieten()
    from mlflow import MlflowClient
    from mlflow.entities import ViewType

    with reaching(uri):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        every: list[str] = []
        token = None
        while token != "":
            found = client.search_experiments(ViewType.ALL, PAGE, page_token=token)
            every += [str(one.experiment_id) for one in found]
            token = found.token or ""
        with_tag = f"tags.`{tag}` LIKE '%'"
        return _all(lambda token: client.search_runs(every, with_tag, ViewType.ALL, **_page(token)))


def _page(token: str | None) -> dict[str, Any]:
    """Return which page of runs is asked for, the newest first."""
    return {
        "order_by": ["attributes.start_time DESC"],
        "max_results": PAGE,
        "page_token": token,
    }


def _all(search: Callable[[str | None], "PagedList[Record]"]) -> list[Kept]:
    """Return the runs of all pages."""
    runs: list[Kept] = []
    token = None
    while True:
        page = search(token)
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
