"""Secrets are planted everywhere, everything is provoked, and all that came out is searched."""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig, TradingError
from benbot.experiments.cli import main
from benbot.paper.attendance import attended
from benbot.paper.notify.news import Kind
from benbot.paper.notify.notifier import Told
from benbot.paper.replayed import opened
from benbot.paper.secrets import HIDDEN, Redaction, secrets_in
from benbot.paper.store import open_store, set_switch
from benbot.paper.venues import Surroundings, open_venue
from tests.paper.notify.receiver import Receiver, receiving
from tests.paper.replays import heard_stretch
from tests.paper.scenes import emulated

CANARIES = {
    "key": "PKcanary1f00",
    "secret": "canary2f00aa",
    "webhook": "canary3f00bb",
    "telegram": "canary4f00cc",
    "database": "canary5f00dd",
    "tracking": "canary6f00ee",
}
N_CYCLES = 30
NOW = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass
class Outputs:
    """Everything that came out, by where it came out."""

    texts: dict[str, bytes] = field(default_factory=dict)

    def add(self, where: str, text: str | bytes) -> None:
        self.texts[where] = text if isinstance(text, bytes) else text.encode()

    def add_folder(self, folder: Path) -> None:
        for path in folder.rglob("*"):
            if path.is_file():
                self.add(str(path.relative_to(folder)), path.read_bytes())

    def leaks(self) -> list[tuple[str, str]]:
        """Return where which canary was found."""
        return [
            (where, name)
            for where, text in self.texts.items()
            for name, canary in CANARIES.items()
            if canary.encode() in text
        ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def planted(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Mapping[str, str]:
    """An environment full of secrets, one of them in a file."""
    (tmp_path / "secret").write_text(CANARIES["secret"])
    environment = {
        "APCA_API_KEY_ID": CANARIES["key"],
        "APCA_API_SECRET_KEY_FILE": str(tmp_path / "secret"),
        "BENBOT_WEBHOOK_URL": f"{receiver.url}/{CANARIES['webhook']}",
        "BENBOT_TELEGRAM_TOKEN": f"1:{CANARIES['telegram']}",
        "BENBOT_TELEGRAM_CHAT": "1",
        "BENBOT_TELEGRAM_URL": receiver.url,
        "MLFLOW_TRACKING_URI": f"postgresql://me:{CANARIES['tracking']}@127.0.0.1:1/mlflow",
        "STORE_URL": f"postgresql://me:{CANARIES['database']}@127.0.0.1:1/db",
        "BENBOT_LOG_LEVEL": "DEBUG",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


def poisoned(text: str) -> str:
    """Return what something that knows all secrets would say."""
    return f"{text}: {' '.join(CANARIES.values())}"


def command(*words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a command as a process would; however it ends is fine."""
    monkeypatch.setattr(sys, "argv", ["benbot", *words])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    with suppress(SystemExit):
        main()


def test_no_secret_comes_out_whatever_goes_wrong(
    planted: Mapping[str, str],
    receiver: Receiver,
    folder: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outputs = Outputs()
    for status in (500, 404, 302):
        receiver.answer(status, None, Location=f"{receiver.url}/elsewhere")
    with pytest.raises(RuntimeError):
        trade(folder, dict(os.environ), outputs)
    for words in failing_commands(folder):
        receiver.answer(500, poisoned("what a server might echo"))
        command(*words, monkeypatch=monkeypatch)
    monkeypatch.setenv("BENBOT_WEBHOOK_URL", f"https://evil.example/{CANARIES['webhook']}")
    command("paper", "notify-test", monkeypatch=monkeypatch)
    show = capfd.readouterr()
    outputs.add("stdout", show.out)
    outputs.add("stderr", show.err)
    outputs.add("bodies", json.dumps([body for _, body in receiver.came]))
    outputs.add_folder(folder)
    assert outputs.leaks() == []
    log = outputs.texts["replay.log"]
    assert b"RuntimeError: the loop: " + HIDDEN.encode() in log
    assert b"POST " + HIDDEN.encode() in log, "what the library says of its calls was logged, too"
    assert b"paper.db" in b" ".join(name.encode() for name in outputs.texts)
    assert "an alarm" in str(receiver.came)
    assert show.err.count("must answer") == 2
    assert "was one at https, evil.example" in show.err


def trade(folder: Path, environment: Mapping[str, str], outputs: Outputs) -> None:
    """Trade an account for a while, until something that knows all secrets fails."""
    stretch, _ = heard_stretch()
    told = Told(stretch.url(folder), stretch.account, folder, lambda: NOW, rest=0.0)
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    try:
        with (
            opened(stretch, folder) as on,
            attended(told, environment, lambda: 0.0) as attendant,
        ):
            for _ in range(N_CYCLES):
                attendant.after_cycle(on.loop.cycle())
            attendant.notifier.say(Kind.ALARM, poisoned("an alarm"))
            ask_with_refused_keys(outputs, environment)
            raise RuntimeError(poisoned("the loop"))
    finally:
        logging.getLogger("urllib3").setLevel(logging.NOTSET)


def failing_commands(folder: Path) -> list[tuple[str, ...]]:
    """Return commands that look at a store: there, away, of another kind, and no address at all."""
    password = CANARIES["database"]
    stores = (
        f"sqlite:///{folder / 'paper.db'}",
        f"postgresql://me:{password}@127.0.0.1:1/db",
        f"postgresql://127.0.0.1:1/db?password={password}",
        f"mongo://me:{password}@host/db",
        f"nonsense {password}",
    )
    looks = [("paper", "status", "--account", "replay", "--store", store) for store in stores]
    return [*looks, ("paper", "notify-test")]


def ask_with_refused_keys(outputs: Outputs, environment: Mapping[str, str]) -> None:
    """Ask an Alpaca that does not know the keys, and repeats them."""
    with emulated() as scene:
        own = environment | {"ALPACA_PAPER_URL": scene.emulator.url}
        scene.emulator.authorised = False
        venue = open_venue("alpaca", Surroundings(own, lambda: NOW))
        with pytest.raises(TradingError) as refusal:
            venue.account()
        outputs.add("refusal", f"{refusal.value!r} {venue!r}")
        logging.getLogger("benbot.paper").error("refused", exc_info=refusal.value)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    outputs = Outputs()
    outputs.add("bodies", poisoned("x"))
    (tmp_path / "deep").mkdir()
    store = open_store(f"sqlite:///{tmp_path / 'deep' / 'paper.db'}", "main", lambda: NOW)
    store.close()
    set_switch(
        f"sqlite:///{tmp_path / 'deep' / 'paper.db'}",
        "main",
        NOW,
        CANARIES["secret"],
        is_halted=True,
    )
    outputs.add_folder(tmp_path)
    assert {where for where, _ in outputs.leaks()} == {"bodies", "deep/paper.db"}
    assert len([one for one in outputs.leaks() if one[0] == "bodies"]) == len(CANARIES)


def test_the_embedded_broker_runs_without_any_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if "KEY" in name or "SECRET" in name or "TOKEN" in name:
            monkeypatch.delenv(name)
    stretch, _ = heard_stretch()
    with (
        opened(stretch, folder) as on,
        attended(
            Told(stretch.url(folder), stretch.account, folder, on.clock), {}, lambda: 0.0
        ) as a,
    ):
        a.after_cycle(on.loop.cycle())
    assert sorted(file.name for file in folder.iterdir() if "told" in file.name) == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"APCA_API_KEY_ID": "PK1234", "APCA_API_SECRET_KEY": "abcdef"}, {"PK1234", "abcdef"}),
        ({"MLFLOW_TRACKING_PASSWORD": "abcdef", "HOME": "/home/abc"}, {"abcdef"}),
        ({"URL": "postgresql://me:p%40ssword@host/db"}, {"p%40ssword", "p@ssword"}),
        ({"URL": "https://[::1/x@y", "SHORT_KEY": "abc", "KEYBOARD": "qwertz"}, set()),
        ({"SOME_TOKEN_FILE": "/nowhere", "OTHER_TOKEN_FILE": "\x00"}, set()),
    ],
)
def test_what_looks_like_a_secret_is_one(environment: dict[str, str], expected: set[str]) -> None:
    assert {one.get_secret_value() for one in secrets_in(environment)} == expected


def test_the_longer_of_two_secrets_is_hidden_first() -> None:
    redaction = Redaction(secrets_in({"A_KEY": "abcdef", "B_KEY": "abcdefgh"}))
    assert redaction.hidden("abcdefgh abcdef") == f"{HIDDEN} {HIDDEN}"


def test_a_refusal_that_repeats_a_secret_is_printed_without_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise BadConfig(poisoned("x"))

    monkeypatch.setattr("benbot.experiments.cli.app", refuse)
    for name, canary in CANARIES.items():
        monkeypatch.setenv(f"{name.upper()}_TOKEN", canary)
    command(monkeypatch=monkeypatch)
    assert capfd.readouterr().err == f"benbot: x: {' '.join([HIDDEN] * len(CANARIES))}\n"


def test_what_nobody_caught_is_shown_without_secrets(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benbot.experiments.hiding import show_error

    monkeypatch.setenv("SOME_TOKEN", CANARIES["telegram"])
    error = RuntimeError(poisoned("x"))
    show_error(RuntimeError, error, None)
    said = capfd.readouterr().err
    assert said.startswith("RuntimeError: x: ")
    assert CANARIES["telegram"] not in said
