"""Teaching and judging who tells good news from bad, on headlines that people have labelled.

The stored scorer is the one that was judged: it has never seen the headlines that are held out. A
headline and its reprints, the same words behind another link, are on one side together, or the
scorer would be judged on what it has read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benbot.envs.arrays import BoolArray, FloatArray, IntArray
from benbot.envs.errors import BadMarketData, InvalidParameter
from benbot.envs.market.news_features import WORD
from benbot.envs.market.sentiment import vader_scorer
from benbot.envs.market.sentiment_linear import (
    CLASSES,
    KINDS,
    LinearScorer,
    fit_linear,
    load_linear,
    plain,
    save_linear,
)

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

TEXTS, LABELS = ("text", "headline"), ("label_name", "label")
SUFFIXES = (".parquet", ".jsonl", ".csv")
NEUTRAL = CLASSES.index("neutral")
VADER_NEUTRAL = 0.05  # its authors call a compound score within this of 0 neutral


@dataclass(frozen=True, eq=False)
class Labelled:
    """N texts and what they are, indices of CLASSES (N,)."""

    texts: tuple[str, ...]
    labels: IntArray

    def keep(self, kept: BoolArray) -> "Labelled":
        chosen = np.flatnonzero(kept).tolist()
        return Labelled(tuple(self.texts[i] for i in chosen), self.labels[kept])


@dataclass(frozen=True)
class Judgement:
    """How one way to tell the classes did.

    accuracy   share of the texts that it told rightly
    macro_f1   mean over the classes of 2 × hits / (2 × hits + misses + false alarms)
    """

    name: str
    accuracy: float
    macro_f1: float


def train(path: Path, out: Path, holdout: float, seed: int, console: "Console") -> list[Judgement]:
    """Learn from a file, judge on the part that is held out, and store the scorer in a folder."""
    labelled = read_labelled(path)
    held = hold_out(labelled, holdout, seed)
    own, other = labelled.keep(~held), labelled.keep(held)
    scorer = fit_linear(own.texts, own.labels, {})
    judgements = judge(scorer, own.labels, other)
    facts = {
        "learned_from": {"texts": len(own.texts), "digest": digest_of(own)},
        "held_out": {"texts": len(other.texts), "share": holdout, "seed": seed},
        "accuracy": judgements[0].accuracy,
        "macro_f1": judgements[0].macro_f1,
    }
    save_linear(
        LinearScorer(
            scorer.vocabulary, scorer.inverse_frequency, scorer.weight, scorer.intercept, facts
        ),
        out,
    )
    console.print(
        f"Learned from {len(own.texts):,} texts, {len(scorer.vocabulary):,} words and pairs; "
        f"judged on {len(other.texts):,} others. Scorer    {out}",
        highlight=False,
    )
    show_judgements(judgements, other.labels, console)
    return judgements


def score(path: Path, model: Path, console: "Console") -> list[Judgement]:
    """Judge a stored scorer on a file that it has not learned from."""
    labelled, scorer = read_labelled(path), load_linear(model)
    judgements = judge(scorer, labelled.labels, labelled)
    console.print(f"Judged on {len(labelled.texts):,} texts", highlight=False)
    show_judgements(judgements, labelled.labels, console)
    return judgements


def judge(scorer: LinearScorer, known: IntArray, other: Labelled) -> list[Judgement]:
    """Return how the scorer, the most frequent of the known classes, and VADER do."""
    majority = np.bincount(known, minlength=len(CLASSES)).argmax()
    told = {
        "linear": scorer.probability(other.texts).argmax(axis=1),
        "majority": np.full(other.labels.shape, majority),
        "vader": classes_of(vader_scorer()(other.texts), VADER_NEUTRAL),
    }
    return [judgement_of(name, classes, other.labels) for name, classes in told.items()]


def judgement_of(name: str, told: IntArray, labels: IntArray) -> Judgement:
    """Return how often the told classes are right; a class that never occurs does not count."""
    from sklearn.metrics import f1_score

    there = np.unique(labels).tolist()
    macro = f1_score(labels, told, labels=there, average="macro", zero_division=0)
    return Judgement(name, float(np.mean(told == labels)), float(macro))


def classes_of(scores: FloatArray, neutral: float) -> IntArray:
    """Return the class of each score: neutral within `neutral` of 0."""
    return NEUTRAL + np.where(np.abs(scores) < neutral, 0, np.sign(scores)).astype(np.int64)


def hold_out(labelled: Labelled, share: float, seed: int) -> BoolArray:
    """Return which texts are held out: the same share of each class, reprints together."""
    if not 0.0 < share < 1.0:
        raise InvalidParameter(f"holdout must be a share between 0 and 1, was {share}")
    first: dict[frozenset[str], int] = {}
    group = np.empty(len(labelled.texts), np.int64)
    for i, text in enumerate(labelled.texts):
        group[i] = first.setdefault(frozenset(WORD.findall(plain(text))), i)
    rng = np.random.default_rng(seed)
    leaders = np.unique(group)
    chosen: list[IntArray] = []
    for kind in range(len(CLASSES)):
        own = leaders[labelled.labels[leaders] == kind]
        chosen.append(rng.permutation(own)[: round(share * own.size)])
    held: BoolArray = np.isin(group, np.concatenate(chosen))
    if not held.any() or held.all():
        raise InvalidParameter(
            f"holdout must leave texts on both sides, was {share} of {leaders.size} different ones"
        )
    return held


def digest_of(labelled: Labelled) -> str:
    """Return sixteen hex digits of texts and labels."""
    plain_text = json.dumps([list(labelled.texts), labelled.labels.tolist()])
    return hashlib.sha256(plain_text.encode()).hexdigest()[:16]


def read_labelled(path: Path) -> Labelled:
    """Return the texts of a file and their classes; refuse what is not labelled by name."""
    frame = _read(path)
    text, label = _column(path, frame, TEXTS), _column(path, frame, LABELS)
    texts = frame[text].fillna("").astype(str).str.strip()
    names = frame[label].astype(str).str.strip().str.casefold()
    for bad, what in ((texts == "", "text"), (~names.isin(list(KINDS)), "label")):
        rows = np.flatnonzero(bad.to_numpy())
        if rows.size:
            was = "empty" if what == "text" else repr(frame[label].iloc[rows[0]])
            raise BadMarketData(
                f"{path}, row {rows[0] + 1}: every headline needs a {what}"
                f"{'' if what == 'text' else ' among ' + ', '.join(KINDS)}, was {was} "
                f"({rows.size - 1} more like it). Name the classes in a column {LABELS[0]}"
            )
    return Labelled(tuple(texts), np.array([CLASSES.index(KINDS[name]) for name in names]))


def _read(path: Path) -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa

    if not path.is_file() or not path.name.lower().endswith(SUFFIXES):
        raise BadMarketData(
            f"labelled headlines must be a {', '.join(SUFFIXES)} file, was {path}. Check the path"
        )
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path)
        return pd.read_json(path, lines=True)
    except (pa.ArrowInvalid, ValueError, OSError) as error:
        raise BadMarketData(f"{path}: must be a whole file that can be read: {error}") from error


def _column(path: Path, frame: "pd.DataFrame", names: Sequence[str]) -> str:
    found = [name for name in names if name in frame]
    if not found:
        raise BadMarketData(
            f"{path}: a column {' or '.join(names)} is needed, was "
            f"{', '.join(map(str, frame.columns)) or 'none'}. Rename the one that holds it"
        )
    return found[0]


def show_judgements(judgements: Sequence[Judgement], labels: IntArray, console: "Console") -> None:
    """Print one line for each way, and what share each class has."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("")
    for heading in ("accuracy", "macro-F1"):
        table.add_column(heading, justify="right")
    for one in judgements:
        table.add_row(one.name, f"{one.accuracy:.3f}", f"{one.macro_f1:.3f}")
    console.print(table)
    shares = np.bincount(labels, minlength=len(CLASSES)) / labels.size
    listed = ", ".join(f"{name} {share:.1%}" for name, share in zip(CLASSES, shares, strict=True))
    console.print(f"Classes of the judged texts: {listed}", highlight=False)
