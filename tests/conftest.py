"""Settings and data shared by every test."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

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
