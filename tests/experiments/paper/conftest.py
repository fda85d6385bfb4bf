"""A small account that was traded, and a store of MLflow of its own."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from benbot.envs.history import Span
from benbot.experiments.paper.daily_log import Followed, Home, read_rows
from benbot.paper.account_rows import AccountRows
from benbot.paper.replayed import Stretch, replay
from tests.paper.replays import SETTINGS, heard_stretch

N_BARS = 12


@dataclass(frozen=True, eq=False)
class Small:
    """An account after a few bars, and what its reports are made of."""

    stretch: Stretch
    folder: Path
    followed: Followed

    @property
    def rows(self) -> AccountRows:
        return read_rows(self.followed.url, self.followed.account)

    def trade(self, n_bars: int) -> None:
        """Trade on, so that so many bars are over."""
        first = self.stretch.span.first
        replay(replace(self.stretch, span=Span(first, first + n_bars)), self.folder)


@pytest.fixture
def store(workshop: Any, tmp_path: Path) -> str:  # noqa: ANN401
    """A copy of the store of the workshop, for whoever writes what others would trip over."""
    _ = workshop.tracker  # makes it
    copy = tmp_path / "tracked" / "mlflow.db"
    copy.parent.mkdir()
    with (
        closing(sqlite3.connect(workshop.folder / "mlflow.db")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{copy}"


@pytest.fixture(scope="session")
def dozen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an account after a dozen bars, which nobody may write."""
    folder, (stretch, _) = tmp_path_factory.mktemp("dozen"), heard_stretch()
    first = stretch.span.first
    replay(replace(stretch, span=Span(first, first + N_BARS)), folder)
    return folder


@pytest.fixture
def small(dozen: Path, store: str, workshop: Any) -> Iterator[Small]:  # noqa: ANN401
    """A copy of it, tracked in the copy of the store."""
    stretch, _ = heard_stretch()
    with TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(store, workshop.tracker.experiment_id, "a-run")
        followed = Followed(
            url=stretch.url(folder),
            account=stretch.account,
            history=stretch.history,
            policy=stretch.policy,
            environment=SETTINGS,
            home=home,
        )
        copytree(dozen, folder, dirs_exist_ok=True)
        yield Small(stretch, folder, followed)
