"""A throw-away PostgreSQL for tests: a cluster of its own in a new folder, gone afterwards.

    python tests/postgres.py            # says its URL, and runs until Ctrl-C

It takes the programs of an installed PostgreSQL (Debian: `apt-get install postgresql`). They refuse
to run as root, so as root they are run as another user. It listens on a socket in its own folder
and on no port.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
STAND_INS = ("postgres", "nobody")  # who runs it where the tests are run by root
NAME = "records"


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL, None where there is none."""
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else []
    for place in PLACES:
        folders += Path("/").glob(place.lstrip("/"))
    usable = [folder for folder in folders if (folder / "pg_ctl").is_file()]
    return max(usable, key=_version, default=None)


def reason_for_none() -> str | None:
    """Return why there is no PostgreSQL to test with, None where there is one."""
    if programs() is None:
        return "no PostgreSQL is installed (initdb was not found)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install 'benbot[postgres]'"
    return None


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the URL of an empty database; its cluster is stopped and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="benbot-postgres-"))
    try:
        _give_away(folder)
        _run("initdb", "-D", f"{folder}/data", "-U", NAME, "-A", "trust", "-E", "UTF8", "-N")
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c timezone=UTC"
        _run("pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://{NAME}@/postgres?host={folder}"
        finally:
            _run("pg_ctl", "-D", f"{folder}/data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    folder = programs()
    if folder is None:
        raise FileNotFoundError("PostgreSQL's initdb and pg_ctl are needed, were not found")
    done = subprocess.run(  # noqa: S603
        [str(folder / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        user=_stand_in(),
        cwd="/",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {(done.stdout or b'').decode()[-500:]}")


def _stand_in() -> str | None:
    """Return who runs the server: nobody else, unless we are root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in STAND_INS if name in known)


def _give_away(folder: Path) -> None:
    user = _stand_in()
    if user is not None:
        shutil.chown(folder, user)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


if __name__ == "__main__":
    with cluster() as url:
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        signal.sigwait([signal.SIGINT, signal.SIGTERM])
