"""Where the dashboard may be asked from: this machine alone, unless a password is set.

The password comes from the environment, as all secrets do. A page that a stranger's site opens in
the browser of whoever trades reaches this machine, too, so requests must name a host that is ours:
a name that an attacker lets point here (DNS rebinding) is none.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from benbot.envs.errors import InvalidParameter, NotAuthorised
from benbot.experiments.dashboard.origin import TlsOrigin, tls_origin
from benbot.paper.secrets import secret_from

ADDRESS, PORT = "127.0.0.1", 8765
PASSWORD = "BENBOT_DASHBOARD_PASSWORD"  # noqa: S105 - the name of it
SHORTEST = 12  # characters of a password
HTTP = 80  # the port that browsers leave out
OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


@dataclass(frozen=True)
class Door:
    """Where it listens, by which names it may be asked, and what opens it.

    hosts      all that a Host header may be
    password   None: whoever is on this machine may look and switch
    tls        by which browsers reach the proxy that stands before us; None: nobody speaks TLS
    """

    address: str
    port: int
    hosts: frozenset[str]
    password: SecretStr | None
    tls: TlsOrigin | None = None


def door(
    address: str,
    port: int,
    names: Sequence[str],
    environment: Mapping[str, str],
    origin: str | None = None,
) -> Door:
    """Return where to listen; refuse to be asked from elsewhere without a password.

    A name is for whoever stands before us, on this machine too, and brings requests from others.
    So is an origin, of whoever does so with a certificate.
    """
    _check(address, port, names)
    tls = None if origin is None else tls_origin(origin)
    password = _password(environment)
    others = [*names, *([] if tls is None else [tls.origin])]
    if password is None and (others or not ipaddress.ip_address(address).is_loopback):
        raise NotAuthorised(
            f"a dashboard that others can reach needs a password, was none for "
            f"{others[0] if others else address}. Set {PASSWORD}, or {PASSWORD}_FILE, in the "
            f"environment, or listen on {ADDRESS} without a name"
        )
    shown = f"[{address}]" if ":" in address else address
    own = (*OWN_NAMES, shown, *names)
    hosts = {f"{name}:{port}" for name in own} | (set(own) if port == HTTP else set())
    hosts |= set(names)  # whoever stands before us with a certificate needs no port
    hosts |= set() if tls is None else tls.hosts
    return Door(address, port, frozenset(host.lower() for host in hosts), password, tls)


def _check(address: str, port: int, names: Sequence[str]) -> None:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        raise InvalidParameter(
            f"an address to listen on must be numbers, such as {ADDRESS}, was {address!r}"
        ) from None
    if not 0 < port <= 65535:
        raise InvalidParameter(f"a port must be from 1 to 65535, was {port}")
    for name in names:
        if not NAME.fullmatch(name):
            raise InvalidParameter(
                f"a name of this machine must be of letters, digits, dots and dashes, was {name!r}"
            )


def _password(environment: Mapping[str, str]) -> SecretStr | None:
    if not (environment.get(PASSWORD) or environment.get(f"{PASSWORD}_FILE")):
        return None
    try:
        password = secret_from(environment, PASSWORD)
    except NotAuthorised as error:
        if "can be read" in str(error):
            raise
        password = SecretStr("")
    if len(password.get_secret_value()) < SHORTEST:
        raise NotAuthorised(
            f"{PASSWORD} must have at least {SHORTEST} letters, digits and signs, without spaces, "
            "had fewer or others. Choose a longer one"
        )
    return password
