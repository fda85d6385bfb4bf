"""The log of an account: a line each, for its owner alone, turned over, without secrets."""

import json
import logging
from pathlib import Path

import pytest

from benbot.envs.errors import BadConfig
from benbot.paper.log import KEPT, logging_to
from benbot.paper.presence import Newcomer, note_switches, present
from benbot.paper.standing import Phase, Standing
from benbot.paper.store import set_switch
from tests.paper.notify.receiver import NOW, Account

CANARY = "canary7f3a9c"
LOGGER = logging.getLogger("benbot.paper.somebody")


def lines_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_record_is_one_line_whatever_it_holds(tmp_path: Path) -> None:
    with logging_to(tmp_path / "account", "main", {}) as path:
        LOGGER.info("two\nlines %s", '"}')
        LOGGER.debug("too fine")
        logging.getLogger("some.library").info("chatter")
        logging.getLogger("some.library").warning("trouble")
    told = [(line["level"], line["logger"], line["text"]) for line in lines_of(path)]
    assert told == [
        ("INFO", "benbot.paper.somebody", 'two\nlines "}'),
        ("WARNING", "some.library", "trouble"),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_raised_stands_beside_without_secrets(tmp_path: Path) -> None:
    with logging_to(tmp_path, "main", {"SOME_TOKEN": CANARY}) as path:
        try:
            raise RuntimeError(f"with {CANARY}")
        except RuntimeError:
            LOGGER.exception("failed with %s", CANARY)
    (line,) = lines_of(path)
    assert line["text"] == "failed with **********"
    assert line["error"].endswith("RuntimeError: with **********")


def test_the_file_is_turned_over_and_old_ones_go(tmp_path: Path) -> None:
    with logging_to(tmp_path, "main", {}, largest=300):
        for i in range(99):
            LOGGER.info("number %d", i)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [
        "main.log",
        *(f"main.log.{i + 1}" for i in range(KEPT)),
    ]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert all(file.stat().st_size <= 300 for file in files)


def test_afterwards_nothing_more_is_written(tmp_path: Path) -> None:
    before = logging.getLogger("benbot").level
    with logging_to(tmp_path, "main", {"BENBOT_LOG_LEVEL": "DEBUG"}) as path:
        LOGGER.debug("fine")
    LOGGER.error("later")
    assert [line["text"] for line in lines_of(path)] == ["fine"]
    assert logging.getLogger("benbot").level == before


def test_a_level_that_is_none_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(BadConfig, match=r"BENBOT_LOG_LEVEL must be one of DEBUG.*, was 'loud'"),
        logging_to(tmp_path, "main", {"BENBOT_LOG_LEVEL": "loud"}),
    ):
        pass


def test_switches_and_the_life_of_a_loop_are_lines_of_it(folder: Path) -> None:
    account = Account(folder).begin()
    who = Newcomer("quickstart", "", "equal_weight", "simulated", "1.0")
    standing = Standing(7, Phase.INSIDE, 1, b"")
    with (
        account.opened() as store,
        logging_to(folder, "main", {}) as path,
        present(store, who, lambda: standing, lambda: "SIGTERM"),
    ):
        set_switch(account.url, "main", NOW, "a drill", "ada@desk", is_halted=True)
        note_switches(store)
        note_switches(store)
    began, halted, ended = [line["text"] for line in lines_of(path)]
    assert began.startswith("a loop of BenBot 1.0 began: policy quickstart, venue simulated")
    assert halted.startswith("the kill switch is ON, no order is sent (by ada@desk: a drill")
    assert ended == "the loop ended: SIGTERM, inside after bar 7"
