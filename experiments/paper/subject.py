"""What paper trading trades: a configuration, the policy of a run or a baseline, and a stretch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benbot.agents.bundle import CARD, Expectations, load_bundle, policy_digest
from benbot.agents.policy import Policy
from benbot.agents.roster import MAKERS
from benbot.envs.errors import InvalidParameter, RunMismatch, UnknownName
from benbot.envs.history import Span
from benbot.experiments.config import ExperimentConfig, config_digest, load_config
from benbot.experiments.tracking.recorded import BUNDLE
from benbot.experiments.tracking.registry import fetched, is_registered
from benbot.experiments.tracking.tracker import TrackingSettings
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.training.rebuild import config_of, run_folder
from benbot.paper.replayed import Stretch
from benbot.paper.setting import identity_of

SEGMENTS = ("fit", "valid")  # whoever looks at test has no test any more


@dataclass(frozen=True)
class Asked:
    """What a command names.

    source     a configuration, the id of a run, the folder of a bundle, or models:/NAME@ALIAS
    config     another configuration than the one of the run
    baseline   who decides where the source is a configuration
    bars       how many bars of the segment are traded, the first ones; None: all
    """

    source: str
    config: str | None = None
    baseline: str = "equal_weight"
    segment: str = "valid"
    bars: int | None = None
    runs: Path = Path("runs")
    store: str | None = None


@dataclass(frozen=True, eq=False)
class Subject:
    """A stretch that is ready, and what it was made of."""

    prepared: Prepared
    stretch: Stretch


@contextmanager
def subject_of(asked: Asked) -> Iterator[Subject]:
    """Prepare what is asked for; a bundle that was trained on something else is refused."""
    _check(asked)
    if is_registered(asked.source):
        with fetched(asked.source, asked.store or TrackingSettings().uri) as folder:
            yield _of_bundle(folder, asked)
        return
    found = _bundle_of(asked)
    if found is not None:
        yield _of_bundle(found, asked)
        return
    yield _of_baseline(load_config(asked.source), asked)


def _bundle_of(asked: Asked) -> Path | None:
    """Return the bundle that is named, None where a configuration is."""
    try:
        folder = run_folder(asked.source, asked.runs)
    except UnknownName:
        return None
    if (folder / CARD).is_file():
        return folder
    found = sorted(folder.glob(f"**/{BUNDLE}/{CARD}"))
    if not found:
        raise UnknownName(f"{folder} must hold a trained policy, was none; train it to the end")
    return found[0].parent


def _of_bundle(folder: Path, asked: Asked) -> Subject:
    bundle = load_bundle(folder)
    prepared = prepare_experiment(load_config(asked.config or config_of(folder)))
    met = _met(prepared)
    bundle.require_fit(met)
    return _subject(prepared, bundle.policy, met, policy_digest(bundle.policy), asked)


def _of_baseline(config: ExperimentConfig, asked: Asked) -> Subject:
    prepared = prepare_experiment(config)
    span = _span(prepared, asked)
    policy = MAKERS[asked.baseline](prepared.history, span, prepared.spans["fit"])
    return _subject(prepared, policy, _met(prepared), asked.baseline, asked)


def _subject(
    prepared: Prepared, policy: Policy, met: Expectations, digest: str, asked: Asked
) -> Subject:
    identity = identity_of(met, digest, prepared.market.symbols)
    identity["market"] = prepared.market.digest
    stretch = Stretch(
        history=prepared.history,
        span=_span(prepared, asked),
        policy=policy,
        ruin=prepared.config.environment.ruin,
        identity=identity,
    )
    return Subject(prepared, stretch)


def _met(prepared: Prepared) -> Expectations:
    config = prepared.config
    choices = [choice.model_dump() for choice in config.strategies]
    discovery = config.discovery.model_dump() if config.discovery else None
    return Expectations.of(prepared.history, choices, config_digest(config), discovery)


def _check(asked: Asked) -> None:
    """Refuse what cannot be traded before anything is computed."""
    if asked.segment not in SEGMENTS:
        raise RunMismatch(
            f"paper trading replays {' or '.join(SEGMENTS)}, was {asked.segment!r}. Results on "
            "test are asked for with benbot evaluate, which counts them"
        )
    if asked.baseline not in MAKERS:
        raise UnknownName(f"a baseline must be one of {', '.join(MAKERS)}, was {asked.baseline!r}")
    if asked.bars is not None and asked.bars < 1:
        raise InvalidParameter(f"bars must be at least 1, was {asked.bars}")


def _span(prepared: Prepared, asked: Asked) -> Span:
    span = prepared.spans[asked.segment]
    if asked.bars is None:
        return span
    return Span(span.first, min(span.first + asked.bars, span.last))
