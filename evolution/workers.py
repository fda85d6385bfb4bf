"""Who does the work: this thread, or several. The results are the same, and in the same order.

Threads share the market in memory, and the kernels let them run side by side, so that one machine
needs no other processes. The hands of a cluster, see `agreement`, are workers as well.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol, TypeVar

from benbot.envs.errors import InvalidParameter

T = TypeVar("T")
R = TypeVar("R")


class Workers(Protocol):
    """Something that applies a function to each item and returns the results in order."""

    def __call__(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]: ...


def alone(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
    """Do all of the work in this thread."""
    return [function(item) for item in items]


@contextmanager
def hire(n: int) -> Iterator[Workers]:
    """Lend `n` threads; the kernels of the desk and of programs let them run side by side."""
    if n < 1:
        raise InvalidParameter(f"jobs must be 1 or more, was {n}")
    if n == 1:
        yield alone
        return
    with ThreadPoolExecutor(n, thread_name_prefix="breeding") as threads:

        def together(function: Callable[[T], R], items: Sequence[T]) -> list[R]:
            return list(threads.map(function, items))

        try:
            yield together
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
