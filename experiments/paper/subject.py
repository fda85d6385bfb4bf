"""What paper trading trades: a configuration, the policy of a run or a baseline, and a stretch."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benbot.agents.advised import advised
from benbot.agents.bundle import Expectations, load_bundle, policy_digest
from benbot.agents.policy import Policy
from benbot.agents.roster import GO_NOWHERE, GO_ON
from benbot.envs.errors import BadConfig, InvalidParameter, RunMismatch, UnknownName
from benbot.envs.history import Span
from benbot.envs.market.news_settings import NewsSettings
from benbot.experiments.config import PACKAGED, ExperimentConfig, find_config, load_config
from benbot.experiments.tracking.registry import SCHEME, fetched, find_version, is_registered
from benbot.experiments.tracking.tracker import TrackingSettings
from benbot.experiments.training.bundles import (
    bundles_in,
    config_of,
    expectations_of,
    run_folder,
)
from benbot.experiments.training.preparation import Prepared, prepare_experiment
from benbot.experiments.validation import build
from benbot.experiments.yaml_files import read_layers
from benbot.paper.holding import Holding
from benbot.paper.ladder import ForeseenLadder
from benbot.paper.limits import AccountLimits
from benbot.paper.replayed import Stretch
from benbot.paper.setting import identity_of
from benbot.strategies.tournament.climb import described
from benbot.strategies.tournament.settings import TournamentSettings

SEGMENTS = ("fit", "valid")  # whoever looks at test has no test any more


@dataclass(frozen=True)
class Asked:
    """What a command names.

    source     a configuration, the id of a run, the folder of a bundle, or models:/NAME@ALIAS
    config     another configuration than the one of the run
    baseline   who decides where the source is a configuration
    bars       how many bars of the segment are traded, the first ones; None: all
    seed       whose policy of a run with several; None: the first
    limits     of the account, tighter than the rules; None: those that it has
    exits_only whether nobody decides, because the policy cannot be used
    """

    source: str
    config: str | None = None
    baseline: str = "equal_weight"
    segment: str = "valid"
    bars: int | None = None
    runs: Path = Path("runs")
    store: str | None = None
    seed: int | None = None
    limits: AccountLimits | None = None
    exits_only: bool = False


@dataclass(frozen=True, eq=False)
class Chosen:
    """Who trades, and what the policy meets.

    digest   of all that decides what the policy does; the name of a baseline
    seeds    of the run, the one that was chosen first; none where it has one policy or is no run
    version  of the registry, such as models:/allocator/3; empty where it is of none
    """

    prepared: Prepared
    policy: Policy
    met: Expectations
    digest: str
    seeds: tuple[int, ...] = ()
    version: str = ""

    @property
    def tournament(self) -> TournamentSettings:
        """The thresholds of its configuration, or the default ones."""
        return self.prepared.config.tournament or TournamentSettings()

    @property
    def identity(self) -> dict[str, object]:
        """What must be the same whenever the account is opened again, the market aside.

        That has the thresholds of the tournament in it where they decide who has the money.
        """
        known = identity_of(self.met, self.digest, self.prepared.market.symbols)
        held = self.tournament.binding
        return known | {"tournament": described(self.tournament)} if held else known


@dataclass(frozen=True, eq=False)
class Subject:
    """A stretch that is ready, and what it was made of."""

    prepared: Prepared
    stretch: Stretch
    who: Chosen


def load_limits(path: Path) -> AccountLimits:
    """Return the limits of an account that a file says."""
    return build(AccountLimits, read_layers(path, PACKAGED))


@contextmanager
def chosen(asked: Asked) -> Iterator[Chosen]:
    """Prepare what is asked for; a bundle that was trained on something else is refused."""
    _check(asked)
    if is_registered(asked.source):
        uri = asked.store or TrackingSettings().uri
        found = find_version(asked.source, uri)
        version = f"{SCHEME}{found.name}/{found.version}"  # an alias may move meanwhile
        with fetched(version, uri) as folder:
            yield replace(_of_bundle(folder, asked), version=version)
        return
    try:
        folder = run_folder(asked.source, asked.runs)
    except UnknownName:
        yield _of_baseline(asked)
        return
    yield _of_bundle(folder, asked)


@contextmanager
def subject_of(asked: Asked) -> Iterator[Subject]:
    """Return what is asked for with the stretch of its segment."""
    with chosen(asked) as who:
        prepared, span = who.prepared, _span(who.prepared, asked)
        stretch = Stretch(
            history=prepared.history,
            span=span,
            policy=who.policy,
            ruin=prepared.config.environment.ruin,
            identity=who.identity | {"market": prepared.market.digest},
            limits=asked.limits,
            ladder=ForeseenLadder(prepared.history, who.tournament),
        )
        yield Subject(prepared, stretch, who)


def _of_bundle(folder: Path, asked: Asked) -> Chosen:
    prepared = prepare_experiment(load_config(asked.config or config_of(folder)))
    if asked.exits_only:
        return _of_nobody(prepared)
    try:
        return _of_trained(folder, prepared, asked)
    except (RunMismatch, UnknownName) as error:
        raise type(error)(
            f"{error}. An account that has begun is not managed meanwhile: --exits-only manages "
            "what it holds by the rules, and opens nothing"
        ) from error


def _of_nobody(prepared: Prepared) -> Chosen:
    """Return an account of which the weights stay as they are."""
    nobody = Holding()
    return Chosen(prepared, nobody, expectations_of(prepared), nobody.name)


def _of_trained(folder: Path, prepared: Prepared, asked: Asked) -> Chosen:
    bundles = bundles_in(folder, prepared.stretches[-1])
    seed = min(bundles) if asked.seed is None else asked.seed
    if seed not in bundles:
        known = ", ".join(map(str, bundles))
        raise UnknownName(f"seed must be one of those of {folder.name}, {known}, was {seed}")
    bundle, met = load_bundle(bundles[seed]), expectations_of(prepared)
    bundle.require_fit(met)
    if asked.config is not None:
        _require_same_news(folder, prepared.config)
    seeds = (seed, *(each for each in bundles if each != seed)) if len(bundles) > 1 else ()
    policy = advised(bundle.policy, prepared.config.learning)  # as it was judged
    return Chosen(prepared, policy, met, policy_digest(bundle.policy), seeds)


def _require_same_news(folder: Path, config: ExperimentConfig) -> None:
    """Refuse news that are scored or fade otherwise than those of the run, as far as it tells."""
    try:
        trained = load_config(config_of(folder))
    except UnknownName:  # a bundle alone
        return
    then, now = (_news_of(each) for each in (trained, config))
    for name in {**then, **now}:
        if then.get(name) != now.get(name):
            raise RunMismatch(
                f"the policy was trained with market.news.{name} {then.get(name, 'of none')}, was "
                f"{now.get(name, 'of none')}. Name a configuration whose news are made likewise"
            )


def _news_of(config: ExperimentConfig) -> dict[str, object]:
    news: NewsSettings | None = getattr(config.market, "news", None)
    return {} if news is None else {name: getattr(news, name) for name in NewsSettings.model_fields}


def _of_baseline(asked: Asked) -> Chosen:
    prepared = prepare_experiment(load_config(_config_named(asked)))
    if asked.exits_only:
        return _of_nobody(prepared)
    span = _span(prepared, asked)
    policy = GO_ON[asked.baseline](prepared.history, span, prepared.spans["fit"])
    return Chosen(prepared, policy, expectations_of(prepared), asked.baseline)


def _config_named(asked: Asked) -> Path:
    """Return the configuration that is named; what is neither that nor a policy is refused."""
    try:
        return find_config(asked.source)
    except (BadConfig, UnknownName) as error:
        raise type(error)(
            f"--policy must be the id of a run below {asked.runs}, the folder of a bundle, "
            f"models:/NAME@ALIAS or a configuration, was {asked.source!r}: {error}"
        ) from error


def _check(asked: Asked) -> None:
    """Refuse what cannot be traded before anything is computed."""
    if asked.segment not in SEGMENTS:
        raise RunMismatch(
            f"paper trading replays {' or '.join(SEGMENTS)}, was {asked.segment!r}. Results on "
            "test are asked for with benbot evaluate, which counts them"
        )
    if asked.baseline in GO_NOWHERE:
        raise RunMismatch(
            f"paper trading needs a baseline that decides at each close from what is known then, "
            f"{asked.baseline} {GO_NOWHERE[asked.baseline]}. Take one of {', '.join(GO_ON)}"
        )
    if asked.baseline not in GO_ON:
        raise UnknownName(f"a baseline must be one of {', '.join(GO_ON)}, was {asked.baseline!r}")
    if asked.bars is not None and asked.bars < 1:
        raise InvalidParameter(f"bars must be at least 1, was {asked.bars}")


def _span(prepared: Prepared, asked: Asked) -> Span:
    span = prepared.spans[asked.segment]
    if asked.bars is None:
        return span
    return Span(span.first, min(span.first + asked.bars, span.last))
