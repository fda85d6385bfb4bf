"""Registered policies: `models:/NAME@ALIAS` or `models:/NAME/VERSION`, with the run they are of."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benbot.envs.errors import UnknownName
from benbot.experiments.tracking.store import check_there, quieten, reaching, sqlite_path
from benbot.experiments.tracking.tracker import find_run
from benbot.experiments.training.bundles import BUNDLE, CONFIG_FILE

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SCHEME = "models:/"
NAMED = re.compile(r"models:/(?P<name>[\w .-]+)(?:@(?P<alias>[\w.-]+)|/(?P<version>[0-9]+))")
SHOWN = 10  # versions, the newest first


def is_registered(source: str) -> bool:
    """Return whether a text is meant to name a registered policy."""
    return source.startswith(SCHEME)


@contextmanager
def fetched(source: str, uri: str) -> Iterator[Path]:
    """Lend the bundle of a registered policy, below a folder that is called after its run.

    The configuration of the run lies beside it, as it does in the run's own folder.
    """
    version = find_version(source, uri)
    if not version.run_id:
        raise UnknownName(
            f"a registered policy needs the run that it is of, {source} has none. Name its folder"
        )
    with TemporaryDirectory() as folder:
        home = Path(folder) / version.run_id
        home.mkdir()
        config = find_run(uri, version.run_id).read_file(CONFIG_FILE)
        (home / CONFIG_FILE).write_bytes(config)
        _download(version, uri, home / BUNDLE)
        yield home / BUNDLE


def find_version(source: str, uri: str) -> "ModelVersion":
    """Return what a source names; of what there is not, say what there is."""
    from mlflow.exceptions import MlflowException

    found = NAMED.fullmatch(source)
    if found is None:
        raise UnknownName(
            f"a registered policy must be {SCHEME}NAME@ALIAS or {SCHEME}NAME/VERSION, was "
            f"{source!r}"
        )
    client = client_of(uri)
    with reaching(uri):
        try:
            if found["alias"] is not None:
                return client.get_model_version_by_alias(found["name"], found["alias"])
            return client.get_model_version(found["name"], found["version"])
        except MlflowException:
            there = _what_there_is(client, found["name"])
    raise UnknownName(f"a registered policy must exist in {uri}, was {source}; {there}")


def _what_there_is(client: "MlflowClient", name: str) -> str:
    models = {model.name: model for model in client.search_registered_models()}
    if name not in models:
        names = ", ".join(sorted(models))
        return f"registered are {names}" if names else "none is registered. Train one first"
    versions = client.search_model_versions(f"name = '{name}'", max_results=SHOWN)
    aliases = ", ".join(f"@{alias}" for alias in sorted(models[name].aliases)) or "no alias"
    numbers = ", ".join(f"/{version.version}" for version in versions) or "no version"
    return f"{SCHEME}{name} has {aliases} and {numbers}"


def client_of(uri: str) -> "MlflowClient":
    """Return a client of a store that is there; none is made to look into it."""
    path = sqlite_path(uri)
    if path is not None and not path.is_file():  # to look for it would make it
        raise UnknownName(f"registered policies are in a store, was {uri}, which does not exist")
    check_there(uri)
    quieten()
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def _download(version: "ModelVersion", uri: str, into: Path) -> None:
    from mlflow.artifacts import download_artifacts

    with TemporaryDirectory() as folder, reaching(uri):
        # Not `models:/…`, which MLflow looks up in its process-wide registry.
        where = client_of(uri).get_model_version_download_uri(version.name, version.version)
        copytree(download_artifacts(where, dst_path=folder, tracking_uri=uri), into)
