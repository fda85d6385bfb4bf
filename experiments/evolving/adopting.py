"""What `benbot adopt` does: trained policies are given new strategies and trade them."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.bundle import Bundle, load_bundle
from benbot.agents.policy import Policy
from benbot.experiments.config import load_config
from benbot.experiments.evolving.adoption import Adoption, Side, compare
from benbot.experiments.evolving.adoption_view import adoption_metrics, adoption_note, show_adoption
from benbot.experiments.evolving.newcomers import Newcomers, find_newcomers
from benbot.experiments.progress import Display
from benbot.experiments.resolved import config_digest, flat_config, resolved_yaml
from benbot.experiments.tracking.provenance import git_commit
from benbot.experiments.tracking.tracker import COMMIT, NOTE, SOURCE, TrackingSettings, open_tracker
from benbot.experiments.training.bundles import (
    bundles_in,
    config_of,
    expectations_of,
    run_folder,
)
from benbot.experiments.training.preparation import Prepared
from benbot.experiments.training.rebuild import require_policies
from benbot.experiments.training.review import Question, open_again
from benbot.experiments.training.run import prepare_shown
from benbot.experiments.training.training import DATA, DIGEST
from benbot.experiments.verdict.seal import folds_to_judge

if TYPE_CHECKING:
    from rich.console import Console

ALGORITHM = "adoption"  # tag `algo`
POLICY, PROGRAMS, SEGMENT = "policy_of", "programs_of", "segment"  # further tags
ADOPTED_FILE = "adopted.yaml"  # the configuration of the policies, with the new strategies


def adopt(question: Question, programs: str, runs: Path, console: "Console") -> Adoption:
    """Trade a segment with the strategies of a run and with new ones; print and record both.

    Of a run with folds it is the newest one whose segment may be seen.
    """
    folder = run_folder(question.run, runs)
    own = load_config(config_of(folder))
    newcomers = find_newcomers(programs, runs, own)
    both = newcomers.joining(own, programs)
    with Display(console) as display:
        known, all_of_them = (prepare_shown(config, display) for config in (own, both))
        before, after = _sides(folder, known, all_of_them, question.segment)
        flattered = _check_time(newcomers, before.prepared, question.segment)
        if question.segment == "test":
            open_again(question, folder, console)
        with display.step(f"Trading {question.segment} before and after"):
            adoption = compare(before, after, question.segment, flattered=flattered)
    show_adoption(adoption, console)
    run_id = _record(adoption, after.prepared, question, programs)
    kept = runs / run_id / ADOPTED_FILE
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(resolved_yaml(both), encoding="utf-8")
    console.print(f"Run       {run_id}\nConfig    {kept}", highlight=False, soft_wrap=True)
    return adoption


def _sides(folder: Path, known: Prepared, both: Prepared, segment: str) -> tuple[Side, Side]:
    """Return the policies before what they were trained on and before all; refuse who cannot."""
    require_policies(folder, known, segment)
    fold = folds_to_judge(folder, known, segment)[-1]
    before, after = known.in_fold(fold), both.in_fold(fold)
    bundles = [load_bundle(path) for path in bundles_in(folder, fold).values()]
    for bundle in bundles:
        bundle.require_fit(expectations_of(before))
    met, layout = expectations_of(after), after.history.layout
    moved = [bundle.for_strategies(met, layout) for bundle in bundles]
    return Side(before, _policies(bundles)), Side(after, _policies(moved))


def _policies(bundles: Sequence[Bundle]) -> list[Policy]:
    return [bundle.policy for bundle in bundles]


def _check_time(newcomers: Newcomers, prepared: Prepared, segment: str) -> bool:
    """Return whether the new strategies have seen the segment; on test they may not have."""
    first: date = prepared.market.days[prepared.span(segment).first].item()
    if segment == "test":
        newcomers.require_unseen(first)
    return newcomers.seen >= first


def _record(adoption: Adoption, after: Prepared, question: Question, programs: str) -> str:
    """Record the result as a run of its own in the experiment of the policy; return its id."""
    config = after.config
    tracking = config.tracking.model_dump() | ({"uri": question.store} if question.store else {})
    tags = {
        "algo": ALGORITHM,
        POLICY: question.run,
        PROGRAMS: programs,
        SEGMENT: adoption.segment,
        DATA: after.market.digest,
        DIGEST: config_digest(config),
        SOURCE: question.command,
        COMMIT: git_commit(Path(__file__).parent),
        NOTE: adoption_note(adoption),
    }
    run = open_tracker(TrackingSettings(**tracking)).start_run(f"{config.name} adopts", tags)
    with run:
        run.log_params(flat_config(config))
        run.log_metrics(adoption_metrics(adoption))
        run.log_file(ADOPTED_FILE, resolved_yaml(config))
    return run.id
