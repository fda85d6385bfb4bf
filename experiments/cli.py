"""The command `benbot`. What a command needs is imported when it runs, so that help is quick."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from benbot.envs.errors import TradingError
from benbot.experiments.orchestration.cli import orchestrate
from benbot.experiments.paper.cli import app as paper_app
from benbot.experiments.sentiment.cli import app as sentiment_app
from benbot.experiments.tournament.cli import app as tournament_app
from benbot.experiments.tuning.cli import tune

app = typer.Typer(
    name="benbot",
    help="Train, compare and examine agents that allocate risk over trading strategies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(help="Look at configurations.", no_args_is_help=True)
data_app = typer.Typer(help="Look at market data.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(data_app, name="data")
app.add_typer(paper_app, name="paper")
app.add_typer(sentiment_app, name="sentiment")
app.add_typer(tournament_app, name="tournament")

Config = Annotated[str, typer.Argument(help="A YAML file, or the name of one that comes with us.")]
Overrides = Annotated[
    list[str] | None, typer.Argument(help="Changes to it, as agent.total_steps=50000.")
]
Segment = Annotated[
    str, typer.Option(help="fit, valid or test; who looks at test has no test any more.")
]
Runs = Annotated[Path, typer.Option(help="Folder in which runs keep their files.")]


def _store(given: str | None) -> str | None:
    """Check what `--store` says before anything is done."""
    from benbot.experiments.tracking.store import check_kind

    return given and check_kind(given)


Store = Annotated[str, typer.Option(help="Where runs are tracked.", callback=_store)]
OwnStore = Annotated[
    str | None,
    typer.Option(help="Where runs are tracked, if not where the config says.", callback=_store),
]
Jobs = Annotated[
    int | None, typer.Option(help="Policies trained at once, each in a process.", min=1)
]
Ray = Annotated[
    str | None,
    typer.Option(help="Train on the Ray cluster of this address, HOST:PORT or auto."),
]
DEFAULT_RUNS = Path("runs")
DEFAULT_STORE = "sqlite:///mlflow.db"


@app.command()
def train(  # noqa: PLR0913 - each is an option of the command
    config: Annotated[
        str | None, typer.Argument(help="A YAML file, or the name of one that comes with us.")
    ] = None,
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
    command = shlex.join(["benbot", *sys.argv[1:]])
    launch = Launch(runs, command, console, sealed=sealed, executor=executor)
    changes = [*(overrides or ()), *([f"tracking.uri={store}"] if store else ())]
    if resume is not None:
        given = None if config is None else load_config(config, changes)
        resume_training(resume, given, store, launch)
    elif config is None:
        raise typer.BadParameter("name a config, such as quickstart, or a run with --resume")
    else:
        start_training(load_config(config, changes), launch)


app.command()(tune)
app.command()(orchestrate)


@app.command()
def evolve(  # noqa: PLR0913 - each is an option of the command
    config: Annotated[
        str | None, typer.Argument(help="A YAML file, or the name of one that comes with us.")
    ] = None,
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

    command = shlex.join(["benbot", *sys.argv[1:]])
    order = Order(runs, command, Console(), jobs, store, ray)
    changes = [*(overrides or ()), *([f"tracking.uri={store}"] if store else ())]
    asked = None if config is None else load_config(config, changes)
    if resume is not None:
        resume_evolution(resume, asked, order)
    elif asked is None:
        raise typer.BadParameter("name a config, such as evolve_quickstart, or a run to --resume")
    else:
        start_evolution(asked, order)


@app.command("open")
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

    command = shlex.join(["benbot", *sys.argv[1:]])
    if is_search(runs / run):
        open_evolution(run, Order(runs, command, Console(), store=store))
        return
    resume_training(run, None, store, Launch(runs, command, Console(), opening=True))


@app.command()
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


@app.command()
def audit(config: Config, overrides: Overrides = None) -> None:
    """Look for look-ahead in all that a policy and the desk see; exit code 1 if there is any."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.training.review import audit_config

    if audit_config(load_config(config, overrides or ()), Console()).leaks:
        raise typer.Exit(1)


@app.command()
def sleeves(
    config: Config,
    overrides: Overrides = None,
    segment: Segment = "fit",
) -> None:
    """Trade every strategy alone: results, correlations and growth by regime, after costs."""
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.sleeves import show_sleeves

    show_sleeves(load_config(config, overrides or ()), segment, Console())


@app.command()
def signals(
    config: Config,
    overrides: Overrides = None,
    symbol: Annotated[
        str | None, typer.Option(help="One symbol; without it the most valued candidate's.")
    ] = None,
    date: Annotated[
        str | None,
        typer.Option(help="A day, or a time in UTC; without it the last close that decides."),
    ] = None,
    segment: Segment = "fit",
    figure: Annotated[
        Path | None, typer.Option(help="Also draw the price with all entries and exits, as PNG.")
    ] = None,
) -> None:
    """Say why a symbol was bought or not: what strategies saw, wanted, and were told by the gates.

    An account with equal weights trades the segment until then. The date must lie in the segment.
    """
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.signals.view import draw_signals, show_signals

    console = Console()
    shown = show_signals(load_config(config, overrides or ()), symbol, date, segment, console)
    if figure is not None:
        draw_signals(shown, figure, console)


@app.command()
def scan(
    config: Config,
    overrides: Overrides = None,
    date: Annotated[
        str | None,
        typer.Option(help="A day, or a time in UTC; without it the last close that decides."),
    ] = None,
    segment: Segment = "fit",
    top: Annotated[int, typer.Option(help="Lines, the best first.", min=1)] = 20,
) -> None:
    """Rank the candidates and diamonds of one close by liquidity, movement, news and signals.

    The settings are those of the section `discovery`, where the configuration has one.
    """
    from rich.console import Console

    from benbot.experiments.config import load_config
    from benbot.experiments.signals.scan_view import show_scan

    show_scan(load_config(config, overrides or ()), date, segment, top, Console())


@app.command()
def strategies(
    name: Annotated[str | None, typer.Argument(help="One with its parameters, or a file.")] = None,
) -> None:
    """List the strategies that a configuration may name, or tell all about one."""
    from rich.console import Console

    from benbot.experiments.signals.catalogue_view import show_catalogue, show_rule

    if name is None:
        show_catalogue(Console())
    else:
        show_rule(name, Console())


@app.command()
def olps(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet: a row a bar, a column an asset.")],
    cost: Annotated[
        list[float] | None,
        typer.Option(help="Of what changes hands; may be given several times."),
    ] = None,
) -> None:
    """Run online portfolio selection over a table of price relatives, with and without costs."""
    from rich.console import Console

    from benbot.experiments.olps import COSTS, show_olps

    show_olps(file, tuple(cost or COSTS), Console())


@app.command()
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

    command = shlex.join(["benbot", *sys.argv[1:]])
    question = Question(run, config, segment, command, again, store)
    evaluate_again(question, runs, Console())


@app.command()
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

    command = shlex.join(["benbot", *sys.argv[1:]])
    give(Question(run, None, segment, command, again, store), programs, runs, Console())


@app.command()
def verdict(
    experiment_or_run: Annotated[
        str, typer.Argument(help="Id of a run, or an experiment, of which the newest run counts.")
    ],
    store: Store = DEFAULT_STORE,
) -> None:
    """Say of every baseline whether a trained agent BEATS or DOES NOT BEAT it, or is UNDECIDED."""
    from rich.console import Console

    from benbot.experiments.verdict.view import show_verdict

    show_verdict(experiment_or_run, store, Console())


@app.command()
def compare(
    runs: Annotated[list[str], typer.Argument(help="Ids of runs.")],
    store: Store = DEFAULT_STORE,
) -> None:
    """Print the test results of runs side by side, and how their configurations differ."""
    from rich.console import Console

    from benbot.experiments.training.review import compare_runs

    compare_runs(runs, store, Console())


@app.command()
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


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on this machine.", min=1, max=65535)] = 5000,
    store: Store = DEFAULT_STORE,
) -> None:
    """Start the MLflow UI on this machine alone."""
    from benbot.experiments.ui import serve

    serve(store, port)


@config_app.command("show")
def config_show(config: Config, overrides: Overrides = None) -> None:
    """Print a configuration with everything that it leaves to defaults."""
    from benbot.experiments.config import load_config, resolved_yaml

    sys.stdout.write(resolved_yaml(load_config(config, overrides or ())))


@config_app.command("check")
def config_check(config: Config, overrides: Overrides = None) -> None:
    """Say whether a configuration is sound; names its digest."""
    from benbot.experiments.config import config_digest, load_config

    loaded = load_config(config, overrides or ())
    sys.stdout.write(f"{loaded.name} is sound, digest {config_digest(loaded)}\n")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON schema by which an editor completes configurations."""
    import json

    from benbot.experiments.config import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


@data_app.command("show")
def data_show(config: Config, overrides: Overrides = None) -> None:
    """Print the symbols, span, gaps, adjustments and digest of a configuration's market."""
    from rich.console import Console

    from benbot.envs.market.sources import load_market
    from benbot.experiments.config import load_config
    from benbot.experiments.training.review import show_market

    show_market(load_market(load_config(config, overrides or ()).market), Console())


def main() -> None:
    """Run the command; what is refused on purpose is one message and exit code 2."""
    try:
        app()
    except TradingError as error:
        sys.stderr.write(f"benbot: {error}\n")
        sys.exit(2)
