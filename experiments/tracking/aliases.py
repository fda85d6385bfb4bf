"""Which version of a registered policy an alias names, and how it is made to name another.

All of it is what MLflow's registry keeps: versions, aliases, and tags of versions. A version has
the bundle's files, with no pickle and no code to load them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benbot.agents.bundle import load_bundle, policy_digest
from benbot.experiments.tracking.candidates import Candidate
from benbot.experiments.tracking.registry import client_of, fetched
from benbot.experiments.tracking.store import reaching

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

DEPLOYED = "deployed"  # tag of a version: when it was given which alias last, and after whom
MOST = 1000  # versions that one question may bring


@dataclass(frozen=True)
class Listed:
    """A registered version: who made it, what names it, and when it was deployed."""

    name: str
    version: str
    aliases: tuple[str, ...]
    run_id: str
    deployed: str

    @property
    def source(self) -> str:
        return f"models:/{self.name}/{self.version}"


def listed(uri: str, name: str | None = None) -> list[Listed]:
    """Return all registered versions, of one name or of every one, the newest of each first."""
    client = client_of(uri)
    with reaching(uri):
        models = {model.name: model for model in client.search_registered_models()}
        chosen = [models[one] for one in sorted(models) if name in (None, one)]
        found = []
        for model in chosen:
            versions = client.search_model_versions(f"name = '{model.name}'", max_results=MOST)
            found += [_listed(one, model.aliases) for one in _newest_first(versions)]
    return found


def version_of(uri: str, name: str, candidate: Candidate) -> str | None:
    """Return the version under which a policy is registered already, None where it is not."""
    for one in listed(uri, name):
        if one.run_id == candidate.run.id and _digest(uri, one) == candidate.digest:
            return one.version
    return None


def register(name: str, candidate: Candidate) -> str:
    """Register a policy and return its version; no alias moves."""
    with TemporaryDirectory() as folder:
        candidate.write(Path(folder))
        return candidate.run.register_policy(Path(folder), name, None)


def holder_of(uri: str, name: str, alias: str) -> Listed | None:
    """Return the version that an alias names, None where it names none."""
    return next((one for one in listed(uri, name) if alias in one.aliases), None)


def move_alias(uri: str, chosen: Listed, alias: str, now: datetime) -> Listed | None:
    """Let an alias name a version and return whom it named before, which may be the same.

    The tag is written first: whoever is interrupted says it again, and nothing is lost.
    """
    before = holder_of(uri, chosen.name, alias)
    if before is not None and before.version == chosen.version:
        return before
    after = f" after version {before.version}" if before else ""
    told = f"@{alias} at {now.isoformat(timespec='seconds')}{after}"
    client = client_of(uri)
    with reaching(uri):
        client.set_model_version_tag(chosen.name, chosen.version, DEPLOYED, told)
        client.set_registered_model_alias(chosen.name, alias, chosen.version)
    return before


def find_listed(uri: str, name: str, version: str) -> Listed:
    """Return a version that there is."""
    return next(one for one in listed(uri, name) if one.version == version)


def _listed(version: "ModelVersion", aliases: dict[str, str]) -> Listed:
    number = str(version.version)
    named = tuple(sorted(alias for alias, target in aliases.items() if str(target) == number))
    deployed = version.tags.get(DEPLOYED, "")
    return Listed(version.name, number, named, version.run_id or "", deployed)


def _newest_first(versions: Iterable["ModelVersion"]) -> list["ModelVersion"]:
    return sorted(versions, key=lambda one: -int(one.version))


def _digest(uri: str, one: Listed) -> str:
    with fetched(one.source, uri) as folder:
        return policy_digest(load_bundle(folder).policy)
