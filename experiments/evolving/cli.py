"""The commands `benbot evolve` and `benbot adopt`. What they need is imported when they run."""

from typing import Annotated

import typer

from benbot.experiments.options import (
    DEFAULT_RUNS,
    OptionalConfig,
    Overrides,
    OwnStore,
    Runs,
    told,
)


def evolve(  # noqa: PLR0913 - each is an option of the command
    config: OptionalConfig = None,
    overrides: Overrides = None,
    resume: Annotated[
        str | None, typer.Option(help="Go on with the search of this id instead of a new one.")
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Threads, 2 if not said; with --ray, processes there at most.", min=1),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="Try candidates on the Ray cluster of this address, HOST:PORT or auto."),
    ] = None,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Breed strategies: programs, or the parameters of rules; every trial is counted."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.evolving.run import Order, resume_evolution, start_evolution

    command = told()
    order = Order(runs, command, Console(), jobs, store, ray)
    changes = [*(overrides or ()), *([f"tracking.uri={store}"] if store else ())]
    asked = None if config is None else load_config(config, changes)
    if resume is not None:
        resume_evolution(resume, asked, order)
    elif asked is None:
        raise typer.BadParameter("name a config, such as evolve_quickstart, or a run to --resume")
    else:
        start_evolution(asked, order)


def adopt(
    run: Annotated[
        str, typer.Argument(help="Id of a run, or the folder of a policy bundle below one.")
    ],
    programs: Annotated[
        str,
        typer.Option(help="A configuration with the new strategies, or the id of a search."),
    ],
    segment: Annotated[str, typer.Option(help="fit, valid or test.")] = "valid",
    again: Annotated[
        bool, typer.Option("--again", help="Open test once more; recorded and counted.")
    ] = False,
    runs: Runs = DEFAULT_RUNS,
    store: OwnStore = None,
) -> None:
    """Give trained policies new strategies, which they trade over a segment without training."""
    from rich.console import Console

    from benbot.experiments.evolving.adopting import adopt as give
    from benbot.experiments.training.review import Question

    command = told()
    give(Question(run, None, segment, command, again, store), programs, runs, Console())
