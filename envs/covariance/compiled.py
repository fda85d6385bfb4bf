"""The way in which these functions are compiled: as the desk's are, with a cache of their own.

An edit here leaves the desk compiled, which takes minutes to make again.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from benbot.envs.desk import compiled as desk
from benbot.envs.desk.compiled import cache_folder, compiled_into

F = TypeVar("F", bound=Callable[..., object])

KERNEL_FOLDERS = (Path(__file__).parent, Path(desk.__file__).parent)
CACHE_FOLDER = cache_folder(KERNEL_FOLDERS)


def compiled(function: F) -> F:
    """Compile `function`; a division by zero yields inf or NaN, and NaN is what nobody knows."""
    return compiled_into(CACHE_FOLDER, function, forceinline=False, nogil=True)
