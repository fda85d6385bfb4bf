"""The kernel as plain Python, for NUMBA_DISABLE_JIT=1: the same results, slowly.

A debugger steps through it, and a test that changes a line of it has nothing to compile. Of what
compiled code does otherwise, two things are done here: the fields of a record are its attributes,
and a division by zero yields inf or NaN without a word.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np
from numba import config

from benbot.envs.arrays import Record

F = TypeVar("F", bound=Callable[..., object])

IS_INTERPRETED = bool(vars(config)["DISABLE_JIT"])

_is_inside = ContextVar("_is_inside", default=False)  # one kernel function calls another


class Named:
    """A record whose fields are attributes; what is written to it is written to its array."""

    __slots__ = ("record",)

    def __init__(self, record: Record) -> None:
        object.__setattr__(self, "record", record)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return self.record[name]

    def __setattr__(self, name: str, value: Any) -> None:  # noqa: ANN401
        self.record[name] = value


class NamedArray(np.ndarray[Any, Any]):
    """A record array of such records; numpy's own `recarray` takes twice the time."""

    def __getitem__(self, where: Any) -> Any:  # noqa: ANN401
        value = super().__getitem__(where)
        return Named(value) if isinstance(value, np.void) else value

    def __setitem__(self, where: Any, value: Any) -> None:  # noqa: ANN401
        super().__setitem__(where, value.record if isinstance(value, Named) else value)


def interpreted(function: F) -> F:
    """Return the function as Python calls it, with the same arguments as a compiled one."""

    @wraps(function)
    def call(*arguments: Any) -> object:  # noqa: ANN401
        if _is_inside.get():
            return function(*arguments)
        inside = _is_inside.set(True)
        try:
            with np.errstate(all="ignore"):
                return function(*map(named, arguments))
        finally:
            _is_inside.reset(inside)

    return cast("F", call)


def named(argument: Any) -> Any:  # noqa: ANN401
    """Return the same memory, in records whose fields are attributes."""
    if isinstance(argument, tuple):
        parts = map(named, argument)
        return type(argument)(*parts) if hasattr(argument, "_fields") else tuple(parts)
    if isinstance(argument, np.void):
        return Named(argument)
    if isinstance(argument, np.ndarray) and argument.dtype.names:
        return argument.view(NamedArray)
    return argument
