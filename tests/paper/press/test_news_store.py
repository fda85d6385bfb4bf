"""News outlive upgrades of the store, and are on PostgreSQL what they are on SQLite."""

from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from benbot.envs.errors import InvalidParameter
from benbot.paper.press.book import Heard, NewsBook
from benbot.paper.press.item import Item, headline_of, identity_of
from benbot.paper.press.tables import NEWS
from benbot.paper.schema import STORE
from benbot.paper.store import open_store, reading, set_switch
from tests.paper.press.news_accounts import kept_items
from tests.paper.test_paper_store import NOW


def item(i: int, **changed: object) -> Item:
    time = NOW + timedelta(minutes=i)
    fields = {"identity": str(i), "published": time, "known": time, "symbols": ("AAA", "B.C")}
    fields |= {"headline": f"“{i}” 株 😀 it's \\ %s", "source": "wire", "mood": 0.1 + 0.2 * (i % 3)}
    return Item(**(fields | changed))  # type: ignore[arg-type]


def fill(url: str) -> list[Item]:
    """Keep items in parts, with restarts in between, and some of them twice."""
    for first in (0, 3, 2, 6):
        with open_store(url, "main", lambda: NOW) as store:
            book = NewsBook(store, is_lasting=True)
            items = [item(i, headline=f"changed {i}") for i in range(first - 1, first)]
            book.keep([*items, *map(item, range(first, first + 4))], Heard(NOW, NOW, "x" * 999))
            assert book.keep(list(book.items), Heard(NOW, NOW)) == []
    with open_store(url, "other", lambda: NOW) as store:
        assert NewsBook(store, is_lasting=True).items == []
    return kept_items(url, "main")


def test_items_are_kept_once_and_as_they_came_first(folder: Path) -> None:
    kept = fill(f"sqlite:///{folder / 'paper.db'}")
    assert [one.identity for one in kept] == [str(i) for i in range(-1, 10)]
    assert [one.headline for one in kept if one.headline.startswith("changed")] == ["changed -1"]
    assert kept[3] == item(2)


def test_a_beginning_forgets_what_was_heard_before_it(folder: Path) -> None:
    url = f"sqlite:///{folder / 'paper.db'}"
    fill(url)
    with open_store(url, "main", lambda: NOW) as store:
        book = NewsBook(store, is_lasting=True)
        book.begin([item(20), item(19), item(20, headline="again")], Heard(NOW, NOW))
        assert kept_items(url, "main") == book.items == [item(19), item(20)]


def test_a_store_of_before_the_news_is_brought_forward(folder: Path) -> None:
    url = f"sqlite:///{folder / 'paper.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = STORE._config()
        config.attributes.update(
            connection=connection, version_table=STORE.table, metadata=STORE.metadata
        )
        command.upgrade(config, "p0003")
    engine.dispose()
    set_switch(url, "main", NOW, "old", is_halted=True)
    with open_store(url, "main", lambda: NOW) as store:
        assert store.is_halted()
        assert NewsBook(store, is_lasting=False).keep([item(1)], Heard(NOW, NOW)) == [item(1)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"mood": float("nan")}, "a mood must lie between -1 and 1, was nan"),
        ({"mood": 1.5}, "was 1.5"),
        ({"headline": ""}, "needs an identity, a headline and a symbol"),
        ({"symbols": ()}, "about nothing"),
        ({"published": NOW + timedelta(days=1)}, "not be known before it is published"),
        ({"known": NOW.replace(tzinfo=None)}, "known must be a time with a zone"),
    ],
)
def test_an_item_that_cannot_be_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidParameter, match=message):
        item(1, **changed)


def test_texts_and_identities_are_bounded() -> None:
    assert headline_of("a\u202eb\x00 c\n\n d") == "a b c d"
    assert len(headline_of("x" * 10**6)) == 500
    assert headline_of(b"bytes") == headline_of(None) == headline_of("\u200b") == ""
    assert [identity_of(one) for one in (7, "7a", 1.5, True, "", "a b", "é")] == ["7", "7a"] + [
        ""
    ] * 5


@pytest.mark.nightly
def test_news_on_postgresql_are_those_on_sqlite(database: str, folder: Path) -> None:
    assert fill(database) == fill(f"sqlite:///{folder / 'paper.db'}")
    with reading(database) as connection:
        assert len(connection.execute(NEWS.select()).all()) == 11
