"""The log of an account: lines of JSON in a file that is turned over, without secrets.

Each line has the moment in UTC, the level, who wrote it and the text; what was raised is `error`.
Whatever a text holds stays within its line.
"""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from benbot.envs.errors import BadConfig
from benbot.paper.account_file import OWNER_ONLY
from benbot.paper.secrets import Redaction, secrets_in
from benbot.strategies.records.database import PRIVATE_FOLDER

LEVEL = "BENBOT_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
OURS = "benbot"  # above all our loggers; of others only warnings and errors are written
LARGEST = 5 * 2**20  # bytes of one file
KEPT = 5  # files that are full


@contextmanager
def logging_to(
    folder: Path, account: str, environment: Mapping[str, str], largest: int = LARGEST
) -> Iterator[Path]:
    """Write all that is logged within the block to a file in the folder, and yield its name."""
    path = folder / f"{account}.log"
    level = _level(environment)
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    handler = _PrivateFile(path, maxBytes=largest, backupCount=KEPT, encoding="utf-8")
    handler.setFormatter(_Lines())
    handler.addFilter(Redaction(secrets_in(environment)))
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    before = ours.level
    ours.setLevel(level)
    root.addHandler(handler)
    try:
        yield path
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
        handler.close()


class _PrivateFile(RotatingFileHandler):
    """A file that only its owner can read, from its first moment on."""

    def _open(self) -> TextIOWrapper:
        handle = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, OWNER_ONLY)
        return os.fdopen(handle, "a", encoding=self.encoding)


class _Lines(logging.Formatter):
    """A record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        said = {
            "moment": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "text": record.getMessage(),
        }
        error = record.exc_text or (
            self.formatException(record.exc_info) if record.exc_info else ""
        )
        if error:
            said["error"] = error
        return json.dumps(said)


def _level(environment: Mapping[str, str]) -> str:
    level = environment.get(LEVEL, "INFO")
    if level not in LEVELS:
        raise BadConfig(f"{LEVEL} must be one of {', '.join(LEVELS)}, was {level!r}")
    return level
