"""`benbot paper notify-test`: one message to everybody who is told, and what came back."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from benbot.envs.errors import BadConfig
from benbot.paper.notify.destination import TOKEN, WEBHOOK, Destination, destinations_of
from benbot.paper.notify.message import Message
from benbot.paper.notify.news import Kind, News
from benbot.paper.notify.notifier import kinds_of, manner_of
from benbot.paper.notify.sending import Courier, Sending

if TYPE_CHECKING:
    from rich.console import Console


def show_test(
    environment: Mapping[str, str],
    now: datetime,
    console: "Console",
    sending: Callable[[Destination], Sending] = Courier,
) -> bool:
    """Send one message to everybody, print what came back, and return whether all took it."""
    destinations = destinations_of(environment)
    if not destinations:
        raise BadConfig(
            f"somebody must be told, {WEBHOOK} or {TOKEN} (or either with _FILE) names whom; "
            "neither is set. See docs/notifications.md"
        )
    kinds, manner = kinds_of(environment), manner_of(environment)
    news = News(Kind.OTHER, now, "a test: if this can be read, notifications arrive")
    is_well = True
    for to in destinations:
        courier = sending(to)
        outcome = courier.send(Message("test", now, (news,), {}, {}))
        courier.close()
        verb = "took it" if outcome.was_taken else "did NOT take it"
        console.print(f"{to} {verb}: {outcome.said}", highlight=False, markup=False)
        is_well = is_well and outcome.was_taken
    told = ", ".join(kind for kind in Kind if kind in kinds)
    console.print(f"Told are {told}; {manner.per_minute:g} messages a minute", highlight=False)
    return is_well
