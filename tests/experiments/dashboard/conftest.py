"""One account that was traded for some bars, and dashboards that show a copy of it."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benbot.envs.history import Span
from benbot.experiments.dashboard.app import Times, dashboard
from benbot.experiments.dashboard.door import door
from benbot.paper.replayed import STORE, replay
from tests.experiments.dashboard.browser import Browser
from tests.paper.replays import heard_stretch

NOW = datetime(2030, 1, 2, tzinfo=UTC)
Making = Callable[..., Browser]


@pytest.fixture(scope="session")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an account that holds something."""
    folder = tmp_path_factory.mktemp("traded")
    stretch, _ = heard_stretch()
    first = stretch.span.first
    replay(replace(stretch, span=Span(first, first + 12)), folder)
    return folder


@pytest.fixture
def url(traded: Path, tmp_path: Path) -> str:
    """A copy of it, to write into."""
    shutil.copy(traded / STORE, tmp_path / STORE)
    return f"sqlite:///{tmp_path / STORE}"


class Watch:
    """Seconds that only a test lets pass."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def making(url: str, watch: Watch) -> Making:
    """Make a dashboard, with a password or none, as a browser meets it."""

    def make(password: str = "", store: str = url, account: str | None = None) -> Browser:
        environment = {"BENBOT_DASHBOARD_PASSWORD": password} if password else {}
        names = ["desk.example"] if password else []
        opened = door("127.0.0.1", 8765, names, environment)
        return Browser(dashboard(store, account, opened, Times(lambda: NOW, watch)))

    return make


@pytest.fixture
def browser(making: Making) -> Browser:
    return making()
