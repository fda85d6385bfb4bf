"""The commands `benbot paper`. What they need is imported when they run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Trade on paper: run a policy on a venue, look at it, stop it.",
    invoke_without_command=True,
)

Account = Annotated[str, typer.Option(help="Its name, letters and digits.")]
Store = Annotated[str, typer.Option(help="Where accounts are kept: sqlite:/// or postgresql://.")]
Runs = Annotated[Path, typer.Option(help="Folder in which runs keep their files.")]
Bars = Annotated[int | None, typer.Option(help="Trade only so many bars.", min=1)]
Segment = Annotated[str, typer.Option(help="fit or valid.")]
Baseline = Annotated[str, typer.Option(help="Who decides where no trained policy is named.")]
DEFAULT_STORE = "sqlite:///paper/paper.db"


@app.callback()
def paper(  # noqa: PLR0913 - each is an option of the command
    context: typer.Context,
    policy: Annotated[
        str | None,
        typer.Option(help="A run, the folder of a bundle, models:/NAME@ALIAS, or a config."),
    ] = None,
    venue: Annotated[
        Literal["simulated", "replay"],
        typer.Option(help="simulated: cycles as time passes; replay: as fast as it goes."),
    ] = "simulated",
    every: Annotated[float, typer.Option(help="Seconds from one cycle to the next.", min=0)] = 30.0,
    folder: Annotated[Path, typer.Option(help="Where account and venue keep their files.")] = Path(
        "paper"
    ),
    baseline: Baseline = "equal_weight",
    segment: Segment = "valid",
    bars: Bars = None,
    runs: Runs = Path("runs"),
) -> None:
    """Run a policy on the embedded broker, or go on where it was stopped or killed."""
    if context.invoked_subcommand is not None:
        return
    if policy is None:
        raise typer.BadParameter("name a policy with --policy, or a command; see --help")
    import time

    from rich.console import Console

    from benbot.experiments.paper.subject import Asked, subject_of
    from benbot.paper.autoloop import Cycle
    from benbot.paper.replayed import replay

    console, pause = Console(), every if venue == "simulated" else 0.0

    def report(cycle: Cycle) -> None:
        if pause:
            console.print(str(cycle), highlight=False)
            time.sleep(pause)

    asked = Asked(policy, baseline=baseline, segment=segment, bars=bars, runs=runs)
    with subject_of(asked) as subject:
        console.print(f"Trading   account {subject.stretch.account} in {folder}")
        replay(subject.stretch, folder, report)


@app.command("replay")
def paper_replay(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        str, typer.Argument(help="A config, a run, the folder of a bundle, or models:/NAME@ALIAS.")
    ],
    config: Annotated[
        str | None, typer.Option(help="Another configuration than the one it was trained with.")
    ] = None,
    baseline: Baseline = "equal_weight",
    segment: Segment = "valid",
    bars: Bars = None,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the account there; without it nothing stays.")
    ] = None,
    runs: Runs = Path("runs"),
) -> None:
    """Run a stretch through the paper loop and through the environment; exit 1 if they differ."""
    from rich.console import Console

    from benbot.experiments.paper.parity import show_replay
    from benbot.experiments.paper.subject import Asked, subject_of

    with subject_of(Asked(source, config, baseline, segment, bars, runs)) as subject:
        if not show_replay(subject, folder, Console()):
            raise typer.Exit(1)


@app.command("status")
def paper_status(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """Say where an account stands, whether it is traded now, and what happened last."""
    from rich.console import Console

    from benbot.experiments.paper.view import show_status

    show_status(store, account, datetime.now(UTC), Console())


@app.command("positions")
def paper_positions(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """List what is held, with its profit at the last mark."""
    from rich.console import Console

    from benbot.experiments.paper.view import show_positions

    show_positions(store, account, Console())


@app.command("trades")
def paper_trades(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """List the last round trips."""
    from rich.console import Console

    from benbot.experiments.paper.view import show_trades

    show_trades(store, account, Console())


@app.command("halt")
def paper_halt(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """Throw the kill switch: from now on no order is sent, whatever it is."""
    _switch(store, account, is_halted=True)


@app.command("resume")
def paper_resume(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """Take the kill switch back, and a stop."""
    _switch(store, account, is_halted=False, must_stop=False)


@app.command("stop")
def paper_stop(account: Account = "replay", store: Store = DEFAULT_STORE) -> None:
    """Let the loop end after its cycle; positions stay."""
    _switch(store, account, must_stop=True)


@app.command("dashboard")
def paper_dashboard(
    store: Store = DEFAULT_STORE,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8765,
    account: Annotated[
        str | None, typer.Option(help="The only account to show; without it all of the store.")
    ] = None,
    address: Annotated[
        str, typer.Option(help="Another than this machine's needs BENBOT_DASHBOARD_PASSWORD.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(help="Host name by which browsers may ask, too.")
    ] = None,
) -> None:
    """Show accounts in the browser, with the switches to halt, resume and stop."""
    from benbot.experiments.dashboard.serve import serve

    serve(store, account, (address, port), name or ())


def _switch(store: str, account: str, **changed: bool) -> None:
    from rich.console import Console

    from benbot.experiments.paper.view import switch

    switch(store, account, datetime.now(UTC), Console(), **changed)
