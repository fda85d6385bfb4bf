"""Settings and data shared by every test."""

import importlib.util
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import URL, create_engine, make_url, text

from tests import postgres

DRIVER = "postgresql+psycopg"
DATABASES = count()

# The first call of a kernel compiles it, which no per-example deadline survives.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The optional folder of real market data; tests that need it skip where it is absent."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BENBOT_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no market data at {folder}; set BENBOT_DATA to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a PostgreSQL that is thrown away; tests that need it skip where there is none."""
    why = postgres.reason_for_none()
    if why is not None:
        pytest.skip(why)
    with postgres.cluster() as url:
        yield url


@pytest.fixture
def database(server: str | URL) -> str:
    """The address of an empty database of that server."""
    name = f"empty_{next(DATABASES)}"
    url = make_url(server)
    engine = create_engine(url.set(drivername=DRIVER), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    made = url.set(drivername="postgresql", database=name)
    return made.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def machines() -> Iterator[str]:
    """Return the address of a cluster of two machines, both of them this one."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed; pip install 'benbot[ray]'")
    known = os.environ.get("PYTHONPATH", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "RAY_USAGE_STATS_ENABLED", "0")
        patch.setitem(os.environ, "PYTHONPATH", f"{Path(__file__).parents[1]}{os.pathsep}{known}")
        from ray.cluster_utils import Cluster as Machines

        made = Machines(True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        made.add_node(num_cpus=1)
        yield made.address
        made.shutdown()
