"""A registered policy is found by alias and by version, and what is not there is told apart."""

import io
from typing import Any

import pytest
from rich.console import Console

from benbot.agents.bundle import load_bundle, policy_digest
from benbot.envs.errors import RunMismatch, UnknownName
from benbot.experiments.tracking.registry import fetched, find_version, is_registered
from benbot.experiments.training.challenger import ALIAS, MODEL
from benbot.experiments.training.review import Question, evaluate_again


@pytest.fixture(autouse=True)
def version(workshop: Any, trained: Any) -> str:  # noqa: ANN401
    """Return the version of the training, with the alias that so short a one does not earn."""
    client = workshop.tracker._client
    (own,) = client.search_model_versions(f"run_id = '{trained.id}'")
    client.set_registered_model_alias(MODEL, ALIAS, own.version)
    return str(own.version)


def test_alias_and_version_are_the_same_policy_of_the_same_run(
    workshop: Any,  # noqa: ANN401
    version: str,
) -> None:
    for source in (f"models:/{MODEL}@{ALIAS}", f"models:/{MODEL}/{version}"):
        with fetched(source, workshop.store) as bundle:
            run_id = bundle.parent.name
            digest = policy_digest(load_bundle(bundle).policy)
        children = workshop.children(run_id)
        known = {c.tags["policy_digest"] for n, c in children.items() if n.startswith("seed")}
        assert digest in known
        assert not bundle.exists()


def test_a_registered_policy_is_evaluated_like_any_other(
    workshop: Any,  # noqa: ANN401
) -> None:
    said = io.StringIO()
    question = Question(f"models:/{MODEL}@{ALIAS}", segment="valid", store=workshop.store)
    evaluate_again(question, workshop.runs, Console(file=said, width=100))
    assert "agent, 1 seed" in said.getvalue()
    asked = Question(f"models:/{MODEL}@{ALIAS}", segment="test", store=workshop.store)
    with pytest.raises(RunMismatch, match=r"test is opened once, was opened \d+ times? before"):
        evaluate_again(asked, workshop.runs, Console(file=said))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            f"models:/{MODEL}@champion",
            rf"{MODEL}@champion; models:/{MODEL} has @{ALIAS}",
        ),
        (f"models:/{MODEL}/99", rf"has @{ALIAS} and /\d"),
        ("models:/nobody@champion", f"registered are {MODEL}"),
        ("models:/nobody", "must be models:/NAME@ALIAS or models:/NAME/VERSION, was 'models:/nob"),
        (f"models:/{MODEL}/latest", "must be models:/NAME@ALIAS or"),
        ("models:/../../etc@passwd", "must be models:/NAME@ALIAS or"),
        (f"models:/{MODEL}' OR '1'='1/1", "must be models:/NAME@ALIAS or"),
    ],
)
def test_what_is_not_registered_is_refused_with_what_is(
    workshop: Any,  # noqa: ANN401
    source: str,
    message: str,
) -> None:
    assert is_registered(source)
    with pytest.raises(UnknownName, match=message):
        find_version(source, workshop.store)


def test_no_store_is_made_to_look_into(workshop: Any) -> None:  # noqa: ANN401
    path = workshop.folder / "none.db"
    with pytest.raises(UnknownName, match="which does not exist"):
        find_version("models:/a@b", f"sqlite:///{path}")
    assert not path.exists()
