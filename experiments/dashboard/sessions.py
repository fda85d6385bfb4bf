"""Who has come in by the door, and proof that a form is one that we gave to them.

A session is a cookie that says until when it is good, signed with a key that lives as long as the
process. The token in a form is signed for one session and one action.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

LASTS = 12 * 3600.0  # seconds
TOKEN = 16  # bytes

Elapsed = Callable[[], float]


class Sessions:
    """Opens, knows and closes sessions; `elapsed` gives seconds that only grow."""

    def __init__(self, key: bytes, elapsed: Elapsed) -> None:
        self._key, self._elapsed = key, elapsed
        self._closed: dict[str, float] = {}  # cookies that were given up, until they run out

    def open(self) -> str:
        """Return the cookie of a new session."""
        ends = f"{self._elapsed() + LASTS:.0f}"
        name = f"{secrets.token_hex(TOKEN)}.{ends}"
        return f"{name}.{self._signed('session', name)}"

    def knows(self, cookie: str | None) -> bool:
        """Return whether a cookie is one of ours that is good still."""
        name, _, signature = (cookie or "").rpartition(".")
        if not _is_same(signature, self._signed("session", name)) or cookie in self._closed:
            return False
        return self._elapsed() < float(name.rpartition(".")[2])

    def close(self, cookie: str) -> None:
        """Give a session up."""
        now = self._elapsed()
        self._closed = {one: ends for one, ends in self._closed.items() if now < ends}
        if self.knows(cookie):
            self._closed[cookie] = now + LASTS

    def token(self, cookie: str, action: str) -> str:
        """Return the proof that goes into the form of an action."""
        return self._signed("form", f"{cookie} {action}")

    def is_token(self, cookie: str, action: str, token: str) -> bool:
        """Return whether a form is the one that this session was given for this action."""
        return _is_same(token, self.token(cookie, action))

    def _signed(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose} {text}".encode(), hashlib.sha256).hexdigest()


class Throttle:
    """Makes whoever guesses passwords wait: after some wrong ones twice as long with each.

    Counts by address, and all together, so that many addresses do not help; forgets what is old.
    """

    FREE, FREE_IN_ALL = 5, 50  # wrong ones that cost nothing
    LONGEST = 900.0  # seconds
    FORGOTTEN = 3600.0  # seconds without a wrong one
    MOST = 1000  # addresses that are remembered

    def __init__(self, elapsed: Elapsed) -> None:
        self._elapsed = elapsed
        self._wrong: dict[str, tuple[int, float]] = {}  # how many, and until when to wait

    def wait(self, address: str) -> float:
        """Return how many seconds an address has to wait before it may try."""
        now = self._elapsed()
        return max(self._until(one) - now for one in (address, "")) if self._wrong else 0.0

    def fail(self, address: str) -> None:
        """Note a wrong password."""
        now = self._elapsed()
        for one, free in ((address, self.FREE), ("", self.FREE_IN_ALL)):
            before, until = self._wrong.pop(one, (0, now))
            n = 1 if now - until > self.FORGOTTEN else before + 1
            rest = min(2.0 ** min(n - free, 30), self.LONGEST) if n >= free else 0.0
            self._wrong[one] = (n, now + rest)
        while len(self._wrong) > self.MOST:
            del self._wrong[next(one for one in self._wrong if one)]

    def succeed(self, address: str) -> None:
        """Forget the wrong ones of an address."""
        self._wrong.pop(address, None)

    def _until(self, address: str) -> float:
        return self._wrong.get(address, (0, 0.0))[1]


def is_password(given: str, password: str) -> bool:
    """Compare two passwords in a time that says nothing of either, nor of their lengths."""
    return _is_same(*(hashlib.sha256(one.encode()).hexdigest() for one in (given, password)))


def _is_same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
