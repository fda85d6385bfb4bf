"""The way in which the machine's functions are compiled: the desk's, with a cache of their own.

An edit of a program's kernel so leaves the desk's compiled, which takes a minute to make again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benbot.envs.desk import compiled as desk
from benbot.envs.desk.compiled import cache_folder, compiled_into

F = TypeVar("F", bound=Callable[..., object])

# A whole number without a sign: an index that has one may count from the end, and asking whether it
# does keeps a compiler from doing many bars at a time.
Place = Any

KERNEL_FOLDERS = (Path(__file__).parent, Path(desk.__file__).parent)
CACHE_FOLDER = cache_folder(KERNEL_FOLDERS)


def compiled(function: F) -> F:
    """Compile `function`; a division by zero yields inf or NaN, and NaN is what nobody knows.

    It is called and not pasted into its callers, so it is compiled once, however many there are.
    """
    return compiled_into(CACHE_FOLDER, function, forceinline=False)


def pasted(function: F) -> F:
    """Compile `function` into its callers: for what has one caller and is asked for all the time.

    A call with arrays costs as much as some hundred numbers that are added.
    """
    return compiled_into(CACHE_FOLDER, function, forceinline=True)
