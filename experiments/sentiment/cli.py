"""The commands `benbot sentiment`. What they need is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Teach and judge a scorer of headlines.", no_args_is_help=True)

File = Annotated[
    Path, typer.Argument(help="Headlines with columns text and label_name: parquet, jsonl or csv.")
]


@app.command("train")
def sentiment_train(
    file: File,
    out: Annotated[Path, typer.Option(help="Folder to write; market.news.model names it.")] = Path(
        "sentiment"
    ),
    holdout: Annotated[float, typer.Option(help="Share that it is judged on.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of what is held out.", min=0)] = 0,
) -> None:
    """Learn a linear scorer and judge it on headlines that it has not seen."""
    from rich.console import Console

    from benbot.experiments.sentiment.training import train

    train(file, out, holdout, seed, Console())


@app.command("score")
def sentiment_score(
    file: File,
    model: Annotated[Path, typer.Option(help="Folder that sentiment train wrote.")] = Path(
        "sentiment"
    ),
) -> None:
    """Judge a stored scorer on another file of labelled headlines."""
    from rich.console import Console

    from benbot.experiments.sentiment.training import score

    score(file, model, Console())
