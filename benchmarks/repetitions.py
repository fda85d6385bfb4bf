r"""Train one configuration on many synthetic markets and count what the verdicts say.

    .venv/bin/python -m benchmarks.repetitions synthetic_no_edge --markets 100 120 \
        --set seeds=[0,1,2] agent.total_steps=200000

Each repetition is `benbot train` on a market of another seed, with files and store of its own; what
is counted are the words of its verdict, over all baselines and for each. `--set` is given to all.
"""

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benbot.experiments.verdict.verdict import VERDICT_FILE, RunVerdict, Word, verdict_from_json


def main() -> None:
    """Train, print a line for each market as it is done, and the counts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.repetitions", description=__doc__)
    parser.add_argument("config")
    parser.add_argument("--markets", type=int, nargs=2, default=[100, 120], help="first and end")
    parser.add_argument("--set", nargs="+", default=[], help="other values, as benbot train has")
    asked = parser.parse_args()
    console = Console(highlight=False, soft_wrap=True)
    verdicts: list[RunVerdict] = []
    for seed in range(*asked.markets):
        verdicts.append(verdict_on(asked.config, [f"market.seed={seed}", *asked.set]))
        console.print(line(seed, verdicts[-1]))
    beaten = Counter(
        ruling.baseline
        for verdict in verdicts
        for ruling in verdict.rulings
        if ruling.word is Word.BEATS
    )
    n_beating = sum(bool(names_beaten(verdict)) for verdict in verdicts)
    console.print(f"{n_beating} of {len(verdicts)} verdicts say BEATS of any baseline")
    for name, count in beaten.most_common():
        console.print(f"  {name}: {count}")


def verdict_on(config: str, overrides: Sequence[str]) -> RunVerdict:
    """Return the verdict of a training as a user would start it, whose files are then deleted."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:///{folder}/mlflow.db"
        words = ["train", config, *overrides, "--runs", folder, "--store", store]
        code = "from benbot.experiments.cli import app; app()"
        subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-c", code, *words], check=True, capture_output=True, cwd=folder
        )
        (kept,) = Path(folder).glob(f"*/{VERDICT_FILE}")
        return verdict_from_json(kept.read_text(encoding="utf-8"))


def names_beaten(verdict: RunVerdict) -> list[str]:
    """Return the baselines of which the word is BEATS."""
    return [ruling.baseline for ruling in verdict.rulings if ruling.word is Word.BEATS]


def line(seed: int, verdict: RunVerdict) -> str:
    """Return the counts of one repetition, and whom the agent is said to beat."""
    words = Counter(ruling.word.value for ruling in verdict.rulings)
    counts = ", ".join(f"{word} {words[word]}" for word in (each.value for each in Word))
    return f"market {seed}: {counts}  {' '.join(names_beaten(verdict))}".rstrip()


if __name__ == "__main__":
    main()
