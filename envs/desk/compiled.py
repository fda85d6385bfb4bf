"""The one way in which the desk's functions are compiled.

Numba's cache looks at the file of a function, not at the files of the functions that it calls, so
an edited callee would go unnoticed. Here the cache lies in a folder named after a fingerprint of
every file of the kernel: any edit is a new folder.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from numba import __version__ as numba_version
from numba import config, njit

from benbot.envs.desk.interpreted import IS_INTERPRETED, interpreted

F = TypeVar("F", bound=Callable[..., object])

KERNEL_FOLDERS = (Path(__file__).parent, Path(__file__).parents[1])


def fingerprint(folders: tuple[Path, ...] = KERNEL_FOLDERS) -> str:
    """Return sixteen hex digits that change with any source file directly in `folders`."""
    sha = hashlib.sha256(f"numba {numba_version}".encode())
    for folder in folders:
        for source in sorted(folder.glob("*.py")):
            sha.update(source.name.encode() + b"\0" + source.read_bytes())
    return sha.hexdigest()[:16]


def cache_folder(folders: tuple[Path, ...] = KERNEL_FOLDERS) -> Path:
    """Return where compiled kernels are kept: BENBOT_CACHE, or the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")
    root = Path(os.environ.get("BENBOT_CACHE", Path(home) / "benbot"))
    return root / "kernels" / fingerprint(folders)


CACHE_FOLDER = cache_folder()


def is_compiled() -> bool:
    """Return whether some kernel of exactly this source was compiled before."""
    return CACHE_FOLDER.is_dir() and any(CACHE_FOLDER.rglob("*.nbc"))


def compiled(function: F) -> F:
    """Compile `function`; a division by zero yields inf or NaN, which every gate must survive.

    Never `fastmath`: it deletes `isfinite`, and with it the gates that fail closed.
    """
    return compiled_into(CACHE_FOLDER, function, forceinline=True)


def unlocked(function: F) -> F:
    """Compile likewise what runs for long: other threads of Python go on meanwhile."""
    return compiled_into(CACHE_FOLDER, function, forceinline=True, nogil=True)


def compiled_into(folder: Path, function: F, *, forceinline: bool, nogil: bool = False) -> F:
    """Compile `function` likewise, and keep what was compiled in this folder."""
    if IS_INTERPRETED:
        return interpreted(function)
    numba_settings = vars(config)  # numba looks up the folder when it decorates, not later
    elsewhere = numba_settings["CACHE_DIR"]
    numba_settings["CACHE_DIR"] = str(folder)
    try:
        compile_it = njit(cache=True, error_model="numpy", forceinline=forceinline, nogil=nogil)
        return cast("F", compile_it(function))
    finally:
        numba_settings["CACHE_DIR"] = elsewhere
