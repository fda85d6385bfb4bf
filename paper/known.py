"""What a store says of an account before anybody opens it to trade."""

from contextlib import suppress
from dataclasses import dataclass

from benbot.envs.errors import RecordsUnavailable
from benbot.paper.overview.health import switch
from benbot.paper.overview.rows import names_of
from benbot.paper.store import reading


@dataclass(frozen=True)
class Known:
    """What is known of an account; nothing where there is no store yet, or none that answers.

    names      of all accounts of the store that have begun
    must_stop  whether it was asked to stop, and not let run since
    """

    account: str
    names: tuple[str, ...] = ()
    must_stop: bool = False

    @property
    def has_begun(self) -> bool:
        return self.account in self.names

    @property
    def is_alone(self) -> bool:
        """Whether the store has no account but this one."""
        return set(self.names) <= {self.account}


def known_of(url: str, account: str) -> Known:
    """Read what a store says of an account now."""
    with suppress(RecordsUnavailable), reading(url) as connection:
        asked = switch(connection, account)
        return Known(account, tuple(names_of(connection)), asked.must_stop)
    return Known(account)
