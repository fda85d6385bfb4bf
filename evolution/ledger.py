"""The trial ledger: every candidate that was ever evaluated, in a file that is only added to.

One JSON object a line. The first says what the trials belong to: the digests of market and
configuration, and the seed. Whoever deflates a Sharpe ratio counts the others. What an interruption
leaves behind the last whole generation is cut off before the search goes on; it is the same
candidates that are then evaluated again.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benbot.envs.errors import RunMismatch

FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """What trials belong to."""

    market: str
    config: str
    seed: int

    def __str__(self) -> str:
        return f"market {self.market}, configuration {self.config}, seed {self.seed}"


@dataclass(frozen=True)
class Entry:
    """One evaluation on fit.

    ratio   Sharpe ratio of one bar, NaN where it does not vary
    genome  plain JSON, as its species wrote it
    """

    generation: int
    island: int
    digest: str
    behaviour: str
    parents: tuple[str, ...]
    ratio: float
    n_trades: int
    size: int
    genome: Any


class TrialLedger:
    """The file of one search."""

    def __init__(self, path: Path, identity: Identity) -> None:
        """Begin a ledger, or take up the one that is there if it belongs to the same."""
        self.path = path
        if path.is_file():
            _check(path, identity)
        else:
            path.write_text(_line({"format": FORMAT, **asdict(identity)}), encoding="utf-8")

    @property
    def n_bytes(self) -> int:
        return self.path.stat().st_size

    def append(self, entries: Iterable[Entry]) -> None:
        """Write evaluations behind the others."""
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(_line(_plain(entry)) for entry in entries)

    def cut(self, n_bytes: int) -> None:
        """Cut off what was written after the ledger was so long."""
        if self.n_bytes < n_bytes:
            raise RunMismatch(
                f"{self.path} must have the {n_bytes} bytes of the generations that are over, was "
                f"{self.n_bytes}. Bring the file back or start a new search"
            )
        with self.path.open("rb+") as file:
            file.truncate(n_bytes)

    def entries(self) -> Iterator[Entry]:
        """Yield every evaluation, the first one first."""
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for number, line in enumerate(file, start=2):
                yield self._read(line, number)

    def by_digest(self) -> dict[str, Entry]:
        """Return the first evaluation of every genome; one that came again has other parents."""
        first: dict[str, Entry] = {}
        for entry in self.entries():
            first.setdefault(entry.digest, entry)
        return first

    def _read(self, line: str, number: int) -> Entry:
        try:
            read = json.loads(line)
            ratio = math.nan if read["ratio"] is None else read["ratio"]
            return Entry(**{**read, "ratio": ratio, "parents": tuple(read["parents"])})
        except (ValueError, KeyError, TypeError) as error:
            raise RunMismatch(
                f"{self.path} must have a trial on every line, line {number} has none: {error}. "
                "Bring the file back or start a new search"
            ) from error


def _check(path: Path, identity: Identity) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            header = json.loads(file.readline())
        written = Identity(header["market"], header["config"], header["seed"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunMismatch(
            f"{path} must be a trial ledger, its first line was none: {error}. Move it away"
        ) from error
    if header.get("format") != FORMAT or written != identity:
        raise RunMismatch(
            f"{path} must be the ledger of {identity}, was that of {written}. Trials on another "
            "market or configuration do not count here: undo the change or start a new search"
        )


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    return plain | {"ratio": entry.ratio if math.isfinite(entry.ratio) else None}


def _line(plain: dict[str, Any]) -> str:
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False) + "\n"
