"""Which bars nobody may see while `test` is sealed, and what may be told nevertheless."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benbot.agents.bundle import CARD
from benbot.envs.errors import RunMismatch
from benbot.envs.history import Span
from benbot.experiments.training.folds import Fold
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.verdict.opening import SEAL_FILE

DIAGNOSTICS = "train/"  # what a learner says of itself and not of an account
Bars = tuple[int, int]  # the first and the last


@dataclass(frozen=True)
class Seal:
    """The bars from the first to the last on which any fold is judged; None where it is open.

    `fit` and `valid` of a fold may lie within the `test` of those before it. They are hidden, too:
    a policy is learned and chosen there, and nobody is told how it did.
    """

    bars: Bars | None = None

    def hides(self, span: Span) -> bool:
        """Return whether a stretch has a bar that nobody may see."""
        if self.bars is None:
            return False
        first, last = self.bars
        return span.first <= last and span.last >= first

    def seen(self, fold: Fold, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of the segments of a fold of which everything may be seen."""
        return tuple(name for name in names if not self.hides(fold.spans[name]))

    def newest_seen(self, folds: Sequence[Fold], name: str) -> Fold | None:
        """Return the newest fold of which a segment may be seen, if there is one."""
        seen = [fold for fold in folds if not self.hides(fold.spans[name])]
        return seen[-1] if seen else None

    def figures(self, fold: Fold, figures: Mapping[str, float]) -> dict[str, float]:
        """Return what may be recorded of an update: `fit/…` and `valid/…` where they are seen."""
        if self.bars is None:
            return dict(figures)
        seen = (DIAGNOSTICS, *(f"{name}/" for name in self.seen(fold, ("fit", "valid"))))
        return {name: value for name, value in figures.items() if name.startswith(seen)}

    def note(self, fold: Fold, growth: float) -> str:
        """Return what is shown of the best policy so far, from its growth a year on `valid`."""
        if self.hides(fold.spans["valid"]):
            return "valid is sealed"
        return f"best on valid {growth:+.2%} a year"


def seal_over(prepared: Prepared) -> Seal:
    """Return the seal on the `test` of all folds together."""
    folds = prepared.stretches
    return Seal((folds[0].spans["test"].first, folds[-1].spans["test"].last))


def close_files(folder: Path, run_id: str, prepared: Prepared) -> None:
    """Mark the files of a sealed run, too, for they can be judged without the store."""
    bars = seal_over(prepared).bars
    ends = "" if bars is None else "\n".join(str(prepared.market.timestamps[t]) for t in bars)
    text = f"benbot open {run_id}\n{ends}\n"
    (folder / SEAL_FILE).write_text(text, encoding="utf-8")


def open_files(folder: Path) -> None:
    """Take that mark away."""
    (folder / SEAL_FILE).unlink(missing_ok=True)


def folds_to_judge(folder: Path, prepared: Prepared, segment: str) -> tuple[Fold, ...]:
    """Return the folds on which policies in a folder are judged; refuse what is sealed.

    Those are all for the `test` of a run and the newest one for the rest. While `test` is sealed it
    is the newest of which the segment has no bar in common with it. What counts are the times of
    bars, for another configuration may have other segments.
    """
    holder = _sealed_holder(folder)
    if holder is None:
        whole = segment == "test" and not (folder / CARD).is_file()
        return prepared.stretches if whole else prepared.stretches[-1:]
    command, *ends = (holder / SEAL_FILE).read_text(encoding="utf-8").splitlines()
    seal = Seal(_bars_between(prepared, ends))
    fold = None if segment == "test" else seal.newest_seen(prepared.stretches, segment)
    if fold is None:
        other = "" if segment == "valid" else ", or look at --segment valid"
        raise RunMismatch(
            f"test of {holder} is sealed, results on it were asked for by --segment {segment}. "
            f"Open it, once, with {command.strip()}{other}"
        )
    return (fold,)


def _sealed_holder(folder: Path) -> Path | None:
    """Return the folder of the run that policies in a folder belong to, if it is sealed."""
    for holder in (folder, *folder.parents[:3]):  # of a bundle: its seed, its fold, the run
        if (holder / SEAL_FILE).is_file():
            return holder
        if (holder / "config.yaml").is_file():
            return None
    return None


def _bars_between(prepared: Prepared, ends: Sequence[str]) -> Bars | None:
    """Return the sealed bars of a market; all of it for a seal that does not tell them."""
    times = prepared.market.timestamps
    known = [np.datetime64(end) for end in ends if end]
    if len(known) != len(("first", "last")):
        return 0, times.size - 1
    inside = np.flatnonzero((times >= known[0]) & (times <= known[1]))
    return (int(inside[0]), int(inside[-1])) if inside.size else None
