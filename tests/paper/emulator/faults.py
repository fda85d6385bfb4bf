"""What may go wrong between an account and whoever trades it, and a plan of when it does."""

import json
import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

ACTIONS = (
    "status",  # answer with a status and a body, and do nothing
    "delay",  # do it, and answer late
    "drop_before",  # close the connection, and do nothing
    "accept_then_drop",  # do it, and close the connection
    "accept_then_504",  # do it, and answer 504 in HTML
    "drip",  # do it, and answer a byte at a time
    "truncate",  # do it, and answer with half of the body
    "mutate",  # do it, and change one field of the answer
    "body",  # do it, and answer with something else
    "redirect",  # do nothing, and send elsewhere
    "huge",  # do it, and answer with more than anybody may send
)
TOO_MANY = 429
LOSSES = ("drop_before", "accept_then_drop", "accept_then_504")
HTML = "<html><body><h1>504 Gateway Time-out</h1></body></html>"


@dataclass
class Fault:
    """Something that happens to the `nth` request of a method and path from now on (1 the next)."""

    action: str
    method: str = ".*"
    path: str = ".*"
    nth: int = 1
    times: int = 1
    status: int = 500
    body: str = HTML
    seconds: float = 0.0
    change: Callable[[Any], Any] | None = None  # of the answer
    fuzz: random.Random | None = None  # of the answer, with `body`
    headers: dict[str, str] = field(default_factory=dict)
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Count a request, and say whether it is hit."""
        if not (re.fullmatch(self.method, method) and re.fullmatch(self.path, path)):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times

    @property
    def acts(self) -> bool:
        """Whether the request is done all the same."""
        return self.action not in ("status", "drop_before", "redirect")


def mutation(name: str, how: str, value: object = None) -> Callable[[Any], Any]:
    """Return a change of one field wherever it occurs: drop, null, rename or set."""

    def change(answer: Any) -> Any:  # noqa: ANN401
        if isinstance(answer, list):
            return [change(one) for one in answer]
        if not isinstance(answer, dict):
            return answer
        if name in answer:
            answer = dict(answer)
            old = answer.pop(name)
            if how == "null":
                answer[name] = None
            elif how == "rename":
                answer[f"{name}_v3"] = old
            elif how == "set":
                answer[name] = value
        return answer

    return change


def seeded_losses(seed: int, n: int, share: float = 0.75) -> Iterable[Fault | None]:
    """Yield what happens to each of n orders: one of the three losses, or nothing."""
    rng = random.Random(seed)  # noqa: S311
    for _ in range(n):
        lost = rng.random() < share
        action = rng.choice(LOSSES)
        yield Fault(action, "POST", "/v2/orders", status=504) if lost else None


def seeded_troubles(seed: int, n: int, share: float) -> Iterable[Fault]:
    """Yield what happens to some of the next n requests, whatever they ask for."""
    rng = random.Random(seed)  # noqa: S311
    for nth in range(1, n + 1):
        if rng.random() >= share:
            continue
        action = rng.choice((*LOSSES, "status", "status", "truncate", "delay"))
        status = rng.choice((TOO_MANY, 500, 502, 503))
        is_limit = action == "status" and status == TOO_MANY
        body = '{"message": "too many requests."}' if is_limit else HTML
        status = 504 if action == "accept_then_504" else status
        yield Fault(action, nth=nth, status=status, body=body, seconds=0.01)


def fuzzed(rng: random.Random, answer: object) -> bytes:
    """Return a body as a broken server may send it: cut, drifted, of another kind, or noise."""
    text = json.dumps(answer)
    kind = rng.randrange(6)
    if kind == 0:
        return text[: rng.randrange(len(text))].encode()
    if kind == 1:
        return HTML.encode()
    if kind == 2:
        return rng.randbytes(rng.randrange(200))
    if kind == 3:
        other = rng.choice((None, 1, "x", [], {}, [None], [[]], [{}], {"code": 1}, 1e308, True))
        return json.dumps(other).encode()
    if kind == 4:
        return ("[" * rng.choice((1, 100, 100_000))).encode()
    return json.dumps(_drifted(rng, answer)).encode()


def _drifted(rng: random.Random, answer: Any) -> Any:  # noqa: ANN401
    """Change a field or two of an answer into something that it never was."""
    if isinstance(answer, list):
        return [_drifted(rng, one) for one in answer]
    if not isinstance(answer, dict) or not answer:
        return answer
    strange = (None, "", "NaN", "-1", "0", "1e309", -5, 1e308, float("nan"), True, [], {}, "2026")
    answer = dict(answer)
    for _ in range(rng.randint(1, 2)):
        name = rng.choice(sorted(answer))
        answer[name] = rng.choice(strange)
    return answer
