"""Arithmetic that never raises: what is not a number stays none."""

import math
from ctypes import c_float


def single(value: float) -> float:
    """Return `value` rounded to a 32-bit float."""
    return c_float(value).value


def divide(a: float, b: float) -> float:
    """Return a / b as floating-point numbers have it: infinite or no number where b is 0."""
    if b == 0.0:
        return math.nan if a == 0.0 or math.isnan(a) else math.copysign(math.inf, a)
    return a / b


def least(*values: float) -> float:
    """Return the least value, no number where one is none."""
    return math.nan if any(math.isnan(value) for value in values) else min(values)


def positive(value: float) -> bool:
    """Return whether it is a positive, finite number."""
    return math.isfinite(value) and value > 0.0
