"""A search on a cluster: who helps computes the same, and everything ends as it does alone."""

import sys
from typing import Any

import pytest

from benbot.envs.errors import ClusterUnavailable, RunMismatch
from benbot.evolution.agreement import hire_cluster, proof, require_agreement
from benbot.evolution.settings import EvolutionSettings
from benbot.evolution.workers import Workers, alone, hire
from tests.evolution.conftest import Opener, fame


def test_a_machine_that_computes_something_else_does_not_help() -> None:
    require_agreement(proof())
    with pytest.raises(RunMismatch, match=f"to the last digit, digest another, was {proof()}"):
        require_agreement("another")


def test_a_cluster_that_does_not_answer_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(ClusterUnavailable, match=r"pip install 'benbot\[ray\]', or --jobs"),
        hire_cluster("127.0.0.1:1", None),
    ):
        pytest.fail("nobody was there")


@pytest.mark.nightly
def test_a_search_is_the_same_alone_on_threads_and_on_two_machines(
    machines: str, open_search: Opener, own: EvolutionSettings
) -> None:
    def ended(workers: Workers, name: str) -> tuple[list[Any], bytes]:
        search = open_search(own, name)
        while not search.is_over:
            search.advance(workers)
        return fame(search), search.ledger.path.read_bytes()

    first = ended(alone, "alone")
    with hire(2) as threads:
        assert ended(threads, "threads") == first
    with hire_cluster(machines, None) as hands:
        assert ended(hands, "hands") == first
