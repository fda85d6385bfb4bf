"""A line that keeps a fault off, and the code without it."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Guard:
    """A guard of a file, and the code without it; `tests` are as pytest takes them."""

    file: str
    old: str
    new: str
    tests: str

    @property
    def module(self) -> str:
        return "benbot." + self.file.removesuffix(".py").replace("/", ".")

    def taken_out(self, source: str) -> str:
        """Return the source of the file without the guard, which must stand there once."""
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.file} must have {self.old!r} once, had {source.count(self.old)}"
            )
        return source.replace(self.old, self.new)
