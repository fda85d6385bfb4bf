"""A plugin of pytest: the code as it is, but for one guard, which is taken out on import.

    BENBOT_WITHOUT=53 python -m pytest -p tests.paper.without tests/paper/test_limits.py

No file is changed; what is compiled stays compiled, for no kernel is among the guards.
"""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec
from types import ModuleType

from tests.paper.guard import Guard
from tests.paper.guards import GUARDS

WITHOUT = "BENBOT_WITHOUT"


class _Loader(SourceFileLoader):
    """Loads a module as it would be without a guard."""

    guard: Guard

    def get_data(self, path: str) -> bytes:
        source = super().get_data(path)
        return self.guard.taken_out(source.decode()).encode() if path.endswith(".py") else source

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError(f"{path} is never taken from the cache")


class _Finder(MetaPathFinder):
    def __init__(self, guard: Guard) -> None:
        self._guard, self._is_asking = guard, False

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self._guard.module or self._is_asking:
            return None
        self._is_asking = True
        try:
            spec = find_spec(name)
        finally:
            self._is_asking = False
        if spec is None or spec.origin is None:
            return None
        loader = _Loader(name, spec.origin)
        loader.guard = self._guard
        spec.loader = loader
        return spec


if os.environ.get(WITHOUT):
    sys.meta_path.insert(0, _Finder(GUARDS[os.environ[WITHOUT]]))
