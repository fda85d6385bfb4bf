"""The chain says that a loop began, who it was, and how it ended; of a kill the next one does."""

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from benbot.envs.errors import RecordsUnavailable
from benbot.experiments.cli import app
from benbot.experiments.paper.ending import Left, asked_to_end
from benbot.paper import presence
from benbot.paper.overview.account import overview
from benbot.paper.overview.memory import Memory
from benbot.paper.plain_words import in_words
from benbot.paper.presence import Newcomer, present, user
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import PaperStore, open_store, reading, set_switch
from tests.paper.conftest import Traded
from tests.paper.kills import killed
from tests.paper.notify.receiver import NOW, Account
from tests.paper.switches import told

WHO = Newcomer("models:/allocator@champion", "models:/allocator/3", "abc", "simulated", "1.0")
HERE = Standing(7, Phase.INSIDE, 1, b"")
LIMITS = {"closed": ["TSLA"], "gross": 0.0, "net": None, "caps": {"exits_per_day": 9}}


@pytest.fixture
def account(folder: Path) -> Account:
    return Account(folder).begin()


def loop(account: Account, ends_with: BaseException | None = None, how: str = "SIGTERM") -> None:
    with account.opened() as store, present(store, WHO, lambda: HERE, lambda: how):
        if ends_with is not None:
            raise ends_with


def words(account: Account) -> list[str]:
    return [in_words(kind, reasons) for kind, reasons in told(account.url)]


def test_a_loop_says_who_it_is_and_how_it_ended(account: Account) -> None:
    loop(account)
    (kind, reasons), (ended, why) = told(account.url)
    facts = json.loads(reasons)
    assert (kind, ended) == ("started", "ended")
    assert facts.pop("host")
    assert facts.pop("process") == os.getpid()
    assert facts == {**vars(WHO), "bar": 7, "phase": "inside", "before": ""}
    assert json.loads(why) == {"how": "SIGTERM", "by": "", "bar": 7, "phase": "inside"}
    began, ended = words(account)
    assert began.startswith(
        "a loop of BenBot 1.0 began: policy models:/allocator@champion (models:/allocator/3), "
        "venue simulated, on "
    )
    assert ended == "the loop ended: SIGTERM, inside after bar 7"


def test_of_one_that_was_killed_the_next_says_it(account: Account) -> None:
    def dies() -> None:
        with account.opened() as store, present(store, WHO, lambda: HERE, lambda: ""):
            os.kill(os.getpid(), signal.SIGKILL)

    assert killed(dies, 10**9)
    loop(account)
    loop(account)
    starts = [json.loads(why)["before"] for kind, why in told(account.url) if kind == "started"]
    assert starts == ["", "the one before ended without a word", ""]


def test_one_that_lost_its_store_says_so_when_it_is_back(account: Account) -> None:
    with pytest.raises(RecordsUnavailable):
        loop(account, RecordsUnavailable("gone"))
    loop(account)
    assert [kind for kind, _ in told(account.url)] == ["started", "started", "ended"]
    assert words(account)[1].endswith("; this process had lost its store")


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (Left(1, "SIGTERM, left a slow cycle"), "SIGTERM, left a slow cycle"),
        (KeyboardInterrupt(), "Ctrl-C"),
        (RuntimeError("with secrets"), "RuntimeError"),
    ],
)
def test_what_ended_it_is_named_and_raised(
    error: BaseException, how: str, account: Account
) -> None:
    with pytest.raises(type(error)):
        loop(account, error)
    assert words(account)[1] == f"the loop ended: {how}, inside after bar 7"
    assert "secrets" not in str(told(account.url))


def test_whoever_was_asked_to_stop_says_by_whom(account: Account) -> None:
    with account.opened() as store, present(store, WHO, lambda: HERE, lambda: "Ctrl-C"):
        set_switch(account.url, "main", NOW, "", "ada@desk", must_stop=True)
    assert words(account)[1:] == [
        "asked to stop after this cycle (by ada@desk, at 2026-11-27 15:00 UTC)",
        "the loop ended: asked to stop by ada@desk, inside after bar 7",
    ]


def test_an_error_is_named_though_somebody_had_asked_to_stop(account: Account) -> None:
    set_switch(account.url, "main", NOW, "", "ada@desk", must_stop=True)
    with pytest.raises(RuntimeError):
        loop(account, RuntimeError())
    assert words(account)[-1] == "the loop ended: RuntimeError, inside after bar 7"


def test_an_end_that_cannot_be_said_ends_it_all_the_same(
    account: Account, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(store: PaperStore) -> bool:
        raise RecordsUnavailable("gone")

    with account.opened() as store, present(store, WHO, lambda: HERE, lambda: "SIGTERM"):
        monkeypatch.setattr(PaperStore, "must_stop", gone)
    assert "that the loop ended is not in the chain: gone" in caplog.text


def test_signals_say_which_they_were() -> None:
    with asked_to_end() as ending:
        os.kill(os.getpid(), signal.SIGINT)
        assert (ending.is_set(), ending.how) == (True, "Ctrl-C")
        with pytest.raises(Left) as left:
            os.kill(os.getpid(), signal.SIGTERM)
    assert left.value.how == "SIGTERM, asked twice"


def test_a_user_without_a_name_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "@" in user()

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(presence.getpass, "getuser", nobody)
    assert user().startswith(f"uid {os.getuid()}@")


@pytest.mark.parametrize(
    ("kind", "reasons", "expected"),
    [
        ("limits", LIMITS, "limits taken: closed TSLA, gross 0, caps exits per day 9"),
        (
            "reconciling",
            {"by": "ada@desk", "differ": 2, "compared": 9, "what": []},
            "ada@desk took the venue's word into the book: 2 of 9 differed",
        ),
        ("limits", {"caps": 3}, ""),
        ("halted", "no JSON", ""),
        ("halted", "[]", ""),
        ("external", {}, ""),
    ],
)
def test_words_are_plain_and_what_cannot_be_read_has_none(
    kind: str, reasons: dict[str, object] | str, expected: str
) -> None:
    assert in_words(kind, reasons) == expected


def test_status_and_page_name_the_version_of_the_registry(traded: Traded, folder: Path) -> None:
    copytree(traded.folder, folder / "copy")
    url, account = traded.stretch.url(folder / "copy"), traded.stretch.account
    memory = Memory()

    def policy(digest: str) -> tuple[str, str]:
        who = replace(WHO, digest=digest)
        with (
            open_store(url, account, lambda: NOW) as store,
            present(store, who, lambda: HERE, lambda: ""),
        ):
            pass
        with reading(url) as connection:
            return overview(connection, account, NOW, memory=memory).policy

    assert policy("scripted") == ("models:/allocator@champion", "models:/allocator/3")
    words = ["paper", "status", "--account", account, "--store", url]
    said = " ".join(CliRunner().invoke(app, words).output.split())
    assert "models:/allocator/3, asked for as models:/allocator@champion, digest scripted" in said
    assert "the loop ended: " in said
    assert policy("exits_only") == ("", "")  # nobody's, for a while
