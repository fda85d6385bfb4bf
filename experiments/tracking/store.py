"""The place where MLflow keeps runs: whether it can be used, and where its artifacts go.

MLflow tries for minutes before it gives up on a store, so the store is tried here first.
"""

import logging
import os
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benbot.envs.errors import BadConfig, TrackingUnavailable

DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
SERVERS = ("http", "https")
ARTIFACTS = "mlartifacts"  # folder beside an SQLite database
PATIENCE = 5.0  # seconds
# Nothing about a run leaves the machine unless the user names a server.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def quiet_environment() -> dict[str, str]:
    """Return this process's environment with MLflow's telemetry and chatter switched off."""
    return {**os.environ, **QUIET}


def quieten() -> None:
    """Switch MLflow's telemetry and chatter off, here and in child processes."""
    os.environ.update(QUIET)
    from mlflow.telemetry import set_telemetry_client

    # A caller's own import of mlflow may have started it already; this drops it.
    set_telemetry_client()  # type: ignore[no-untyped-call]
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def scheme_of(uri: str) -> str:
    """Return what kind of place a URI names: "sqlite", "https"; drivers do not matter."""
    return urlsplit(uri).scheme.partition("+")[0]


def sqlite_path(uri: str) -> Path | None:
    """Return the file of an SQLite database; None for other stores and for one in memory."""
    _, _, path = uri.partition(":///")
    if scheme_of(uri) != "sqlite" or path in {"", ":memory:"}:
        return None
    return Path(path.partition("?")[0])


def artifact_location(uri: str, chosen: str | None) -> str | None:
    """Return where the artifacts of a new experiment go; None leaves it to the server.

    Absolute, because a UI that is started in another folder must find them too.
    """
    path = sqlite_path(uri)
    if chosen is None:
        return (path.parent / ARTIFACTS).resolve().as_uri() if path else None
    return chosen if "://" in chosen else Path(chosen).resolve().as_uri()


def check_kind(uri: str) -> str:
    """Return the URI of a kind of place in which MLflow keeps runs; refuse any other."""
    if scheme_of(uri) == "sqlite" and sqlite_path(uri) is None:
        raise BadConfig(
            f"a tracking store must outlive the process, was {uri!r}, a database in memory. Name a "
            "file, such as sqlite:///mlflow.db"
        )
    if scheme_of(uri) not in (*DATABASES, *SERVERS):
        raise BadConfig(
            "a tracking store must begin with sqlite:///, postgresql://, mysql://, mssql://, "
            f"http:// or https://, was {uri!r}; MLflow no longer keeps runs in plain folders"
        )
    return uri


def check_reachable(uri: str) -> None:
    """Refuse a store that cannot be written, within seconds and in plain words."""
    path = sqlite_path(uri)
    if path is not None:
        _check_sqlite(path)
    elif scheme_of(uri) in SERVERS:
        _check_server(uri)


def check_there(uri: str) -> None:
    """Refuse a store that cannot be reached, or in which nothing can be because nobody made it."""
    path = sqlite_path(uri)
    if path is not None and not path.exists():
        raise TrackingUnavailable(
            f"runs are looked up in a database that exists, was {path}, which does not. Say where "
            "they are tracked by --store sqlite:///FILE, or make the first one by `benbot train`"
        )
    check_reachable(uri)


@contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Turn what MLflow and its database raise into `TrackingUnavailable`."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except ModuleNotFoundError as error:
        raise TrackingUnavailable(
            f"the tracking store {uri} needs the Python package {error.name}, which is not "
            "installed. For PostgreSQL: pip install 'benbot[postgres]' and a URI that begins with "
            "postgresql+psycopg://"
        ) from error
    except (MlflowException, SQLAlchemyError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise TrackingUnavailable(f"the tracking store {uri} must answer, was: {reason}") from error


def _check_sqlite(path: Path) -> None:
    """Take the write lock of the database and give it back; the folder is made if need be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.rollback()
    except (OSError, sqlite3.Error) as error:
        raise TrackingUnavailable(
            f"tracking needs a database that it can write, was {path}: {error}. Set tracking.uri "
            "to a file in a folder of yours, such as sqlite:///mlflow.db"
        ) from error


def _check_server(uri: str) -> None:
    parts = urlsplit(uri)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), PATIENCE).close()
    except OSError as error:
        raise TrackingUnavailable(
            f"tracking needs an MLflow server at {uri}, was: {error}. Start it, or set "
            "tracking.uri to a database file such as sqlite:///mlflow.db"
        ) from error
