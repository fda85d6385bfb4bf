"""`benbot deploy`: which policy an alias names for paper trading, and what it is worth.

A policy that beats nobody is deployed all the same, for paper trading is where one learns what it
is worth; but nobody should have to look for the word on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.bundle import Bundle, load_bundle, policy_digest
from benbot.envs.errors import InvalidParameter, RunMismatch, UnknownName
from benbot.experiments.config import load_config
from benbot.experiments.tracking.aliases import (
    Listed,
    find_listed,
    listed,
    move_alias,
    register,
    version_of,
)
from benbot.experiments.tracking.candidates import (
    candidate_of,
    checked_alias,
    checked_name,
    require_finished,
)
from benbot.experiments.tracking.recorded import CONFIG_FILE
from benbot.experiments.tracking.registry import SCHEME, fetched, find_version, is_registered
from benbot.experiments.tracking.runs import Run
from benbot.experiments.tracking.store import sqlite_path
from benbot.experiments.tracking.tracker import TrackingSettings, find_run
from benbot.experiments.verdict.opening import is_sealed
from benbot.experiments.verdict.ruling import Word
from benbot.experiments.verdict.verdict import VERDICT_FILE, verdict_from_json

if TYPE_CHECKING:
    from rich.console import Console

UNPROVEN = "not proven"
SHORT = 12  # characters of a digest
TRYING = "--bar-seconds 20 --every 5"


@dataclass(frozen=True)
class Wanted:
    """What a command names.

    source   the id of a run, or models:/NAME/VERSION or models:/NAME@ALIAS, which is there already
    store    where the run was tracked; None: where its files say
    """

    source: str
    alias: str = "champion"
    seed: int | None = None
    name: str = "allocator"
    runs: Path = Path("runs")
    store: str | None = None


def deploy_policy(wanted: Wanted, now: datetime, console: "Console") -> None:
    """Let an alias name a policy, and print what it is, what it is worth, and what it replaces."""
    alias = checked_alias(wanted.alias)
    uri = store_of(wanted)
    if is_registered(wanted.source):
        if wanted.seed is not None:
            raise InvalidParameter(
                f"--seed chooses a policy of a run, {wanted.source} names one; leave it out"
            )
        chosen, bundle, why = _there(uri, wanted.source)
    else:
        chosen, bundle, why = _of_run(uri, wanted)
    run = find_run(uri, chosen.run_id)
    _say_card(chosen, run, bundle, why, console)
    _say_verdict(run, console)
    before = move_alias(uri, chosen, alias, now)
    console.print(f"{'Replaces':12} {_replaced(before, chosen, uri)}", highlight=False)
    console.print(f"{'Deployed':12} models:/{chosen.name}@{alias} is version {chosen.version}")
    tracked = "" if uri == TrackingSettings().uri else f"   (runs are tracked in {uri})"
    command = f"benbot paper --policy models:/{chosen.name}@{alias}"
    console.print(f"{'Next':12} {command}{tracked}", highlight=False, soft_wrap=True)
    trying = f"to try it, a bar in 20 seconds: {command} {TRYING}"
    console.print(f"{'':12} {trying}", highlight=False, soft_wrap=True)


def show_registered(uri: str, console: "Console") -> None:
    """Print every registered version with its aliases, its run and the words on it."""
    found = listed(uri)
    if not found:
        raise UnknownName(f"no policy is registered in {uri}; benbot train makes one")
    for one in found:
        run = find_run(uri, one.run_id)
        words = _words(run)
        beaten = f"BEATS {len(_of(words, Word.BEATS))} of {len(words)}" if words else "no verdict"
        aliases = " ".join(f"@{alias}" for alias in one.aliases)
        told = f"{one.source:24} {aliases:12} {run.name}, {one.run_id}, {beaten}"
        last = f"; {one.deployed}" if one.deployed else ""
        console.print(f"{told}{last}", highlight=False, soft_wrap=True)


def store_of(wanted: Wanted) -> str:
    """Return where a run was tracked; refuse a database that is not there, which would be made."""
    own = wanted.runs / wanted.source / CONFIG_FILE
    uri = wanted.store
    if uri is None:
        is_ours = not is_registered(wanted.source) and own.is_file()
        uri = load_config(own).tracking.uri if is_ours else TrackingSettings().uri
    path = sqlite_path(uri)
    if path is not None and not path.is_file():
        raise UnknownName(
            f"a policy is deployed from the store in which its run was tracked, was {uri}, which "
            f"does not exist. Say --store, or --runs with the folder that has {wanted.source}"
        )
    return uri


def _there(uri: str, source: str) -> tuple[Listed, Bundle, str]:
    """Return a version that is registered, and its bundle, which must be whole."""
    version = find_version(source, uri)
    with fetched(source, uri) as folder:
        bundle = load_bundle(folder)
    require_finished(find_run(uri, version.run_id or ""))
    chosen = find_listed(uri, version.name, str(version.version))
    return chosen, bundle, "a version that is registered"


def _of_run(uri: str, wanted: Wanted) -> tuple[Listed, Bundle, str]:
    """Return the version of a run's policy, which is registered if it is not yet."""
    name = checked_name(wanted.name)
    run = require_finished(find_run(uri, wanted.source))
    candidate = candidate_of(uri, run, wanted.seed)
    version = version_of(uri, name, candidate) or register(name, candidate)
    why = f"seed {candidate.seed}, {candidate.why}"
    return find_listed(uri, name, version), candidate.bundle, why


def _say_card(chosen: Listed, run: Run, bundle: Bundle, why: str, console: "Console") -> None:
    known, policy = bundle.expectations, bundle.policy
    strategies = ", ".join(str(one["name"]) for one in known.strategies)
    limits = known.rules["limits"]
    lines = [
        ("Policy", f"{chosen.source}, digest {policy_digest(policy)}"),
        ("Run", f"{run.id} ({run.name}), {why}"),
        (
            "Network",
            f"{policy.architecture['network']}, {len(known.layout)} numbers in, "
            f"{len(known.strategies) + 1} weights out",
        ),
        ("Strategies", strategies),
        ("Desk", f"at most {limits['max_positions']} positions, {limits['daily_trades']} a day"),
        ("Trained on", f"market {known.data_digest}, configuration {known.config_digest}"),
    ]
    for name, value in lines:
        console.print(f"{name:12} {value}", highlight=False, soft_wrap=True)


def _say_verdict(run: Run, console: "Console") -> None:
    words = _words(run)
    if not words:
        why = "test is sealed" if is_sealed(run) else "it has none"
        console.print(f"{'Verdict':12} {UNPROVEN}: {why}", highlight=False, style="bold")
        return
    for word in Word:
        names = _of(words, word)
        if names:
            told = f"{word} {len(names)} of {len(words)}: {', '.join(names)}"
            console.print(f"{'Verdict':12} {told}", highlight=False, soft_wrap=True)
    missed = len(words) - len(_of(words, Word.BEATS))
    if missed:
        console.print(
            f"{'':12} {UNPROVEN}: nothing says that it earns more than {missed} of its "
            f"{len(words)} baselines. Paper money only",
            highlight=False,
            style="bold",
            soft_wrap=True,
        )


def _words(run: Run) -> dict[str, Word]:
    """Return the word on a run for each baseline; none where there was no verdict."""
    try:
        verdict = verdict_from_json(run.read_file(VERDICT_FILE).decode())
    except UnknownName:
        return {}
    return {one.baseline: one.word for one in verdict.rulings}


def _of(words: dict[str, Word], word: Word) -> Sequence[str]:
    return [name for name, one in words.items() if one is word]


def _replaced(before: Listed | None, chosen: Listed, uri: str) -> str:
    if before is None:
        return "nobody"
    if before.version == chosen.version:
        return "nobody: it was there already, nothing was changed"
    try:
        run = find_run(uri, before.run_id).name
    except (UnknownName, RunMismatch):
        run = "a run that is gone"
    back = f"benbot deploy {SCHEME}{before.name}/{before.version}"
    return f"version {before.version} ({run}); back with {back}"
