"""The commands about trainings. What they need is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from benbot.experiments.options import (
    DEFAULT_RUNS,
    DEFAULT_STORE,
    Jobs,
    OptionalConfig,
    Overrides,
    OwnStore,
    Ray,
    Runs,
    Store,
    told,
)


def train(  # noqa: PLR0913 - each is an option of the command
    config: OptionalConfig = None,
    overrides: Overrides = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with the run of this id instead of a new one.")
    ] = None,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Leave test closed until `benbot open`.")
    ] = False,
    jobs: Jobs = None,
    ray: Ray = None,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Train an agent on every seed, judge it once on the test segment, and track everything."""
    from rich.console import Console

    from benbot.envs.work.choice import executor_of
    from benbot.experiments.config import load_config
    from benbot.experiments.training.run import resume_training, start_training
    from benbot.experiments.training.training import Launch

    console, executor = Console(), executor_of(jobs, ray)
    command = told()
    launch = Launch(runs, command, console, sealed=sealed, executor=executor)
    changes = [*(overrides or ()), *([f"tracking.uri={store}"] if store else ())]
    if resume is not None:
        given = None if config is None else load_config(config, changes)
        resume_training(resume, given, store, launch)
    elif config is None:
        raise typer.BadParameter("name a config, such as quickstart, or a run with --resume")
    else:
        start_training(load_config(config, changes), launch)


def open_run(
    run: Annotated[str, typer.Argument(help="Id of a run trained with --sealed, or of a search.")],
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Open the test of a sealed run, once: judge its policies or its pool there."""
    from rich.console import Console

    from benbot.experiments.evolving.run import Order, is_search, open_evolution
    from benbot.experiments.training.run import resume_training
    from benbot.experiments.training.training import Launch

    command = told()
    if is_search(runs / run):
        open_evolution(run, Order(runs, command, Console(), store=store))
        return
    resume_training(run, None, store, Launch(runs, command, Console(), opening=True))


def reproduce(  # noqa: PLR0913 - each is an option of the command
    run: Annotated[str, typer.Argument(help="Id of a run.")],
    seed: Annotated[int | None, typer.Option(help="Train this seed alone.")] = None,
    baselines_only: Annotated[
        bool, typer.Option("--baselines-only", help="Train nothing; run the baselines.")
    ] = False,
    jobs: Jobs = None,
    ray: Ray = None,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Train a run again and compare data, weights and accounts; exit code 1 if any differs.

    Nothing of the run changes, and no test is opened.
    """
    from rich.console import Console

    from benbot.envs.work.choice import executor_of
    from benbot.experiments.training.reproduction_view import Request
    from benbot.experiments.training.reproduction_view import reproduce as make_again

    request = Request(run, runs, store, seed, baselines_only, executor_of(jobs, ray))
    if not make_again(request, Console()):
        raise typer.Exit(1)


def evaluate(
    run: Annotated[
        str,
        typer.Argument(
            help="Id of a run, the folder of a policy bundle, models:/NAME@ALIAS or "
            "models:/NAME/VERSION."
        ),
    ],
    config: Annotated[
        str | None, typer.Option(help="Another configuration than the one it was trained with.")
    ] = None,
    segment: Annotated[str, typer.Option(help="fit, valid or test.")] = "test",
    again: Annotated[
        bool, typer.Option("--again", help="Open test once more; recorded and counted.")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Run trained policies over a segment again, beside the baselines."""
    from rich.console import Console

    from benbot.experiments.training.review import Question, evaluate_again

    command = told()
    question = Question(run, config, segment, command, again, store)
    evaluate_again(question, runs, Console())


def compare(
    runs: Annotated[list[str], typer.Argument(help="Ids of runs.")],
    store: Store = DEFAULT_STORE,
) -> None:
    """Print the test results of runs side by side, and how their configurations differ."""
    from rich.console import Console

    from benbot.experiments.training.review import compare_runs

    compare_runs(runs, store, Console())


def report(
    run: Annotated[str, typer.Argument(help="Id of a run.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the page.")] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Judge its policies again and write a new page.")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
    store: Store = DEFAULT_STORE,
) -> None:
    """Fetch the HTML report of a run, or make it again, and say where it is."""
    from rich.console import Console

    from benbot.experiments.evolving.run import is_search, report_search
    from benbot.experiments.training.review import fetch_report, report_path

    if rebuild and is_search(runs / run):
        report_search(run, runs, out or report_path(run), store, Console())
    elif rebuild:
        from benbot.experiments.training.rebuild import rebuild_report

        rebuild_report(run, runs, out or report_path(run), Console())
    else:
        fetch_report(run, out, store, Console())
