"""The commands `benbot paper`. What they need is imported when they run."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Trade on paper: run a policy on a venue, look at it, stop it.",
    invoke_without_command=True,
)

Account = Annotated[
    str | None, typer.Option(help="Its name, letters and digits; default: the only one there is.")
]
Store = Annotated[str, typer.Option(help="Where accounts are kept: sqlite:/// or postgresql://.")]
Runs = Annotated[Path, typer.Option(help="Folder in which runs keep their files.")]
Bars = Annotated[int | None, typer.Option(help="Trade only so many bars.", min=1)]
Reason = Annotated[str, typer.Option(help="Why, for the account's events; default: by hand.")]
Segment = Annotated[str, typer.Option(help="fit or valid.")]
Baseline = Annotated[str, typer.Option(help="Who decides where no trained policy is named.")]
DEFAULT_STORE = "sqlite:///accounts/paper.db"
DEFAULT_FOLDER = Path("accounts")


@app.callback()
def paper(  # noqa: PLR0913 - each is an option of the command
    context: typer.Context,
    policy: Annotated[
        str | None,
        typer.Option(help="A run, the folder of a bundle, models:/NAME@ALIAS, or a config."),
    ] = None,
    venue: Annotated[
        Literal["simulated", "replay", "alpaca"],
        typer.Option(
            help="simulated: a market that goes on after the valid segment; replay: a segment, as "
            "fast as it goes; alpaca: Alpaca's paper account, with keys from the environment."
        ),
    ] = "simulated",
    bar_seconds: Annotated[
        float | None,
        typer.Option(help="What a bar lasts, closed hours left out; default: real time."),
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds from one cycle to the next.")] = 30.0,
    seed: Annotated[
        int | None, typer.Option(help="Whose policy of a run with several; default: the first.")
    ] = None,
    market_seed: Annotated[int, typer.Option(help="What the market is drawn from.", min=0)] = 0,
    account: Annotated[
        str | None, typer.Option(help="Its name, letters and digits; default: that of the venue.")
    ] = None,
    store: Annotated[
        str | None, typer.Option(help="Where accounts are kept; default: paper.db in the folder.")
    ] = None,
    folder: Annotated[
        Path, typer.Option(help="Where account and venue keep their files.")
    ] = DEFAULT_FOLDER,
    baseline: Baseline = "equal_weight",
    segment: Segment = "valid",
    bars: Bars = None,
    runs: Runs = Path("runs"),
    tracking: Annotated[
        str | None,
        typer.Option(help="Where models:/ are, if not in the default store."),
    ] = None,
    limits: Annotated[
        Path | None,
        typer.Option(help="A file with limits of the account that are tighter than its rules."),
    ] = None,
    exits_only: Annotated[
        bool,
        typer.Option(
            "--exits-only",
            help="Without the policy: manage what is held by the rules, open nothing.",
        ),
    ] = False,
) -> None:
    """Run a policy on the embedded broker or Alpaca, or go on where it was stopped or killed."""
    if context.invoked_subcommand is not None:
        return
    if policy is None:
        raise typer.BadParameter("name a policy with --policy, or a command; see --help")
    from rich.console import Console

    from benbot.experiments.paper.alpaca import run_alpaca
    from benbot.experiments.paper.live import Place
    from benbot.experiments.paper.running import run_live, run_replay
    from benbot.experiments.paper.subject import Asked, load_limits
    from benbot.paper.live import Timing

    tighter = None if limits is None else load_limits(limits)
    asked = Asked(
        policy,
        None,
        baseline,
        segment,
        bars,
        runs,
        store=tracking,
        seed=seed,
        limits=tighter,
        exits_only=exits_only,
    )
    place = Place(account or venue, folder, store, market_seed, Timing(bar_seconds, every))
    runs_of = {"simulated": run_live, "replay": run_replay, "alpaca": run_alpaca}
    runs_of[venue](asked, place, Console())


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


@app.command("report")
def paper_report(  # noqa: PLR0913 - each is an option of the command
    source: Annotated[
        str, typer.Argument(help="What is traded: a run, a bundle, models:/NAME@ALIAS, a config.")
    ],
    account: Account = None,
    store: Store = DEFAULT_STORE,
    day: Annotated[str | None, typer.Option(help="One day in full, as 2020-01-31.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Make every report anew.")] = False,
    track: Annotated[bool, typer.Option(help="Log what is not logged yet to MLflow.")] = True,
    tracking: Annotated[
        str | None, typer.Option(help="Where runs are tracked, if not where the config says.")
    ] = None,
    records: Annotated[
        str | None, typer.Option(help="Store of records that round trips are written to, too.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Whose policy of a run with several; default: the first.")
    ] = None,
    baseline: Baseline = "equal_weight",
    runs: Runs = Path("runs"),
) -> None:
    """Report every day that an account has traded, beside its model, and log it to MLflow."""
    from rich.console import Console

    from benbot.experiments.paper.following import Question
    from benbot.experiments.paper.report_view import report
    from benbot.experiments.paper.subject import Asked
    from benbot.experiments.paper.view import account_of

    asked = Asked(source, baseline=baseline, runs=runs, store=tracking, seed=seed)
    question = Question(store, account_of(store, account), day, again, track, records)
    report(asked, question, datetime.now(UTC), Console())


@app.command("reconcile")
def paper_reconcile(
    account: Account = None,
    store: Store = DEFAULT_STORE,
    venue: Annotated[
        Literal["simulated", "replay", "alpaca"], typer.Option(help="Whom to ask.")
    ] = "simulated",
    folder: Annotated[
        Path, typer.Option(help="Where the embedded broker keeps its file.")
    ] = DEFAULT_FOLDER,
    apply: Annotated[
        bool, typer.Option("--apply", help="Take what the venue says into the book.")
    ] = False,
    days: Annotated[int, typer.Option(help="Whose fills are asked for.", min=1)] = 7,
) -> None:
    """Show what the venue and the book say of an account; exit code 1 if anything differs."""
    from rich.console import Console

    from benbot.experiments.paper.reconcile_view import Asked, show_reconciliation
    from benbot.experiments.paper.view import account_of

    asked = Asked(store, account_of(store, account), venue, folder, days)
    if not show_reconciliation(asked, Console(), applies=apply):
        raise typer.Exit(1)


@app.command("status")
def paper_status(
    account: Account = None,
    store: Store = DEFAULT_STORE,
    healthy: Annotated[
        bool, typer.Option("--healthy", help="Say only whether it is; exit code 1 if not.")
    ] = False,
) -> None:
    """Say where an account stands, whether it is traded now, and what happened last."""
    from rich.console import Console

    from benbot.experiments.paper.view import account_of, show_health, show_status

    name, now = account_of(store, account), datetime.now(UTC)
    if not healthy:
        show_status(store, name, now, Console())
    elif not show_health(store, name, now, Console()):
        raise typer.Exit(1)


@app.command("notify-test")
def paper_notify_test() -> None:
    """Send one message to everybody whom the environment names; exit 1 if one did not take it."""
    import os

    from rich.console import Console

    from benbot.experiments.paper.notify import show_test

    if not show_test(os.environ, datetime.now(UTC), Console()):
        raise typer.Exit(1)


@app.command("positions")
def paper_positions(account: Account = None, store: Store = DEFAULT_STORE) -> None:
    """List what is held, with its profit at the last mark."""
    from rich.console import Console

    from benbot.experiments.paper.view import account_of, show_positions

    show_positions(store, account_of(store, account), Console())


@app.command("trades")
def paper_trades(account: Account = None, store: Store = DEFAULT_STORE) -> None:
    """List the last round trips."""
    from rich.console import Console

    from benbot.experiments.paper.view import account_of, show_trades

    show_trades(store, account_of(store, account), Console())


@app.command("halt")
def paper_halt(account: Account = None, store: Store = DEFAULT_STORE, reason: Reason = "") -> None:
    """Throw the kill switch: from now on no order is sent, whatever it is."""
    _switch(store, account, reason, is_halted=True)


@app.command("resume")
def paper_resume(
    account: Account = None, store: Store = DEFAULT_STORE, reason: Reason = ""
) -> None:
    """Take the kill switch back, and a stop."""
    _switch(store, account, reason, is_halted=False, must_stop=False)


@app.command("stop")
def paper_stop(account: Account = None, store: Store = DEFAULT_STORE, reason: Reason = "") -> None:
    """Let the loop end after its cycle; positions stay."""
    _switch(store, account, reason, must_stop=True)


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
    origin: Annotated[
        str | None,
        typer.Option(help="https://NAME of a proxy with a certificate that browsers come by."),
    ] = None,
) -> None:
    """Show accounts in the browser, with the switches to halt, resume and stop."""
    from benbot.experiments.dashboard.serve import serve

    serve(store, account, (address, port), name or (), origin=origin)


def _switch(store: str, account: str | None, reason: str, **changed: bool) -> None:
    from rich.console import Console

    from benbot.experiments.paper.view import account_of, switch

    switch(store, account_of(store, account), datetime.now(UTC), Console(), reason, **changed)
