"""Read files that anybody may have written: nothing is waited for, and nothing large is allocated.

Whatever is not exactly what it should be is refused with `RunMismatch`.
"""

import json
import math
import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from benbot.envs.arrays import Float32Array
from benbot.envs.errors import RunMismatch

MEGABYTE = 2**20
LARGEST_JSON, LARGEST_TENSORS, LARGEST_HEADER = 8 * MEGABYTE, 256 * MEGABYTE, MEGABYTE
LENGTH = 8  # bytes before the header of a file of tensors, which say how long it is
DTYPE, ITEM = "F32", 4
ENTRY = {"dtype", "shape", "data_offsets"}
# A pipe is opened without waiting for a writer, and a link is not followed.
FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
NAMED = 3  # of what does not belong


def require_only(folder: Path, names: set[str]) -> None:
    """Refuse a folder that is none, that lacks a file of these names, or that has others."""
    needed = f"a policy bundle needs {' and '.join(sorted(names))}, both whole, and nothing else"
    try:
        with os.scandir(folder) as entries:
            found = {each.name for each in islice(entries, len(names) + NAMED)}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise RunMismatch(f"{needed}; {folder} was no folder that can be read, {reason}") from error
    if found - names:
        odd = ", ".join(map(repr, sorted(found - names)))
        raise RunMismatch(f"{needed}; {folder} has {odd}, too. Nothing of it is used; take it out")
    if names - found:
        raise RunMismatch(f"{needed}; {folder} has no {' and no '.join(sorted(names - found))}")


def read_whole(path: Path, most: int) -> bytes:
    """Return the content of a plain file of at most that many bytes."""
    try:
        descriptor = os.open(path, FLAGS)
    except OSError as error:
        raise RunMismatch(
            f"{path} must be a plain file that can be read, {error.strerror}"
        ) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise RunMismatch(f"{path} must be a plain file, was none")
        if found.st_size > most:
            raise RunMismatch(f"{path} must have at most {most:,} bytes, was {found.st_size:,}")
        with os.fdopen(os.dup(descriptor), "rb") as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def parse_object(content: bytes, where: str) -> dict[str, Any]:
    """Return the JSON object that a text is: keys once, finite numbers, printable words."""
    try:
        value = json.loads(
            content.decode("ascii"), object_pairs_hook=_once, parse_constant=_not_finite
        )
        for text in _texts(value):
            if not text.isprintable():
                raise ValueError(f"{text!r} cannot be printed")
    except (ValueError, RecursionError) as error:
        raise RunMismatch(
            f"{where} must be JSON as we write it, both whole; was not ({error})"
        ) from error
    if not isinstance(value, dict):
        raise RunMismatch(f"{where} must be a JSON object, was {type(value).__name__}")
    return value


def parse_tensors(content: bytes, where: str) -> dict[str, Float32Array]:
    """Return the tensors of a safetensors file: finite numbers that lie side by side.

    The header is checked before the library reads it, because it tells how much to allocate.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    n_header = int.from_bytes(content[:LENGTH], "little")
    if len(content) < LENGTH or n_header > min(LARGEST_HEADER, len(content) - LENGTH):
        raise RunMismatch(
            f"{where} must be a whole file of tensors, was {len(content):,} bytes with a header of "
            f"{n_header:,}"
        )
    end = LENGTH + n_header
    _check_header(
        parse_object(content[LENGTH:end], f"header of {where}"), len(content) - end, where
    )
    try:
        tensors: dict[str, Float32Array] = load(content)
    except SafetensorError as error:
        raise RunMismatch(f"{where} must be a whole file of tensors, was not ({error})") from error
    for name, tensor in tensors.items():
        if not np.isfinite(tensor).all():
            raise RunMismatch(f"{name} of {where} must be finite, was not. Train it again")
    return tensors


def _check_header(header: dict[str, Any], n_bytes: int, where: str) -> None:
    spans = sorted(_span(name, entry, where) for name, entry in header.items())
    at = 0
    for begin, end, name in spans:
        if begin != at:
            raise RunMismatch(f"{name!r} of {where} must begin at byte {at:,}, was {begin:,}")
        at = end
    if at != n_bytes:
        raise RunMismatch(f"the tensors of {where} must have {at:,} bytes, was {n_bytes:,}")


def _span(name: str, entry: Any, where: str) -> tuple[int, int, str]:  # noqa: ANN401
    """Return where the bytes of a tensor begin and end."""
    known = isinstance(entry, dict) and entry.keys() == ENTRY and entry["dtype"] == DTYPE
    if not known or not (_counts(entry["shape"]) and _counts(entry["data_offsets"])):
        raise RunMismatch(
            f"{name!r} of {where} must be a tensor of {DTYPE} with a shape and data_offsets, was "
            f"{str(entry)[:100]!r}"
        )
    shape, offsets = entry["shape"], entry["data_offsets"]
    if len(offsets) != 2 or offsets[1] - offsets[0] != ITEM * math.prod(shape) or not offsets[1]:
        raise RunMismatch(
            f"{name!r} of {where} must have {ITEM} bytes for each of its numbers, was shape "
            f"{str(shape)[:100]} from {str(offsets)[:100]}"
        )
    return offsets[0], offsets[1], name


def _counts(value: Any) -> bool:  # noqa: ANN401
    """Return whether it is a list of a few whole numbers that are not negative nor too large."""
    return (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(each) is int and 0 <= each <= LARGEST_TENSORS for each in value)
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _not_finite(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
