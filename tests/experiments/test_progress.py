"""What a person is told of work that takes long."""

import pytest

from benbot.experiments import progress
from benbot.experiments.progress import while_compiling


def test_a_step_says_that_it_compiles_only_where_that_was_not_done_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "is_compiled", lambda: False)
    assert while_compiling("some minutes") == "; the first time it compiles, some minutes"
    monkeypatch.setattr(progress, "is_compiled", lambda: True)
    assert not while_compiling("some minutes")
