"""A new store for each test, on every database that there is."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

MakeUrl = Callable[[], str]


@pytest.fixture(scope="session")
def new_database(server: str) -> MakeUrl:
    """Make an empty database of the throw-away PostgreSQL and return its URL."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    numbers = count()

    def make() -> str:
        name = f"records_{next(numbers)}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return url.set(drivername="postgresql", database=name).render_as_string()

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> MakeUrl:
    """Return URLs of stores that do not exist yet."""
    if request.param == "postgresql":
        make: MakeUrl = request.getfixturevalue("new_database")
        return make
    numbers = count()
    return lambda: f"sqlite:///{tmp_path}/store_{next(numbers)}.db"


@pytest.fixture
def url(new_store: MakeUrl) -> str:
    """The URL of a store that does not exist yet."""
    return new_store()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The path of an SQLite store that does not exist yet."""
    return tmp_path / "records.db"
