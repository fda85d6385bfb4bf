"""Whoever is about to trade is named by the version of the registry that is traded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benbot.experiments.paper import subject
from benbot.experiments.paper.introducing import newcomer_of
from benbot.experiments.paper.subject import Asked, Chosen, chosen

NOTHING: Any = None


def test_an_alias_is_looked_up_once_so_that_it_may_move(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked, lent = Asked("models:/allocator@champion", store="sqlite:///m.db"), []

    @contextmanager
    def fetched(source: str, uri: str) -> Iterator[Path]:
        lent.append((source, uri))
        yield tmp_path

    found = SimpleNamespace(name="allocator", version="3")
    monkeypatch.setattr(subject, "find_version", lambda source, uri: found)
    monkeypatch.setattr(subject, "fetched", fetched)
    known = Chosen(NOTHING, NOTHING, NOTHING, "abc")
    monkeypatch.setattr(subject, "_of_bundle", lambda folder, asked: known)
    with chosen(asked) as who:
        newcomer = newcomer_of(asked, who, "alpaca")
    assert lent == [("models:/allocator/3", "sqlite:///m.db")]
    assert (newcomer.policy, newcomer.version) == (asked.source, "models:/allocator/3")
    assert (newcomer.digest, newcomer.venue) == ("abc", "alpaca")
    assert newcomer.software
