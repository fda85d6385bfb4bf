"""Whether a trained policy may challenge: be what `models:/allocator@challenger` names from now on.

Every policy is registered by its version. The alias is for one that might replace the champion, so
it stays where it is unless the policy traded on `test` and the verdict is that its run beats cash.
A champion is chosen by a person.
"""

from benbot.agents.evaluation import Evaluation
from benbot.experiments.verdict.verdict import RunVerdict, Word

MODEL = "allocator"  # the registered model of all trained policies
ALIAS = "challenger"  # of the newest one that may be
LEAST = "cash"  # baseline


def objection(account: Evaluation, verdict: RunVerdict) -> str:
    """Return why a policy may not challenge, by its account on `test`; nothing if it may."""
    if not account.fills.size:
        return "it did not trade on test"
    words = {one.baseline: one.word for one in verdict.rulings}
    if LEAST not in words:
        return f"{LEAST}, which it would have to beat, is not among the baselines"
    if words[LEAST] is not Word.BEATS:
        return f"against {LEAST} the verdict is {words[LEAST]}"
    return ""


def policy_line(version: str, against: str) -> str:
    """Return how a registered policy is named, and why it does not have the alias."""
    if against:
        return f"models:/{MODEL}/{version}, not @{ALIAS}: {against}"
    return f"models:/{MODEL}@{ALIAS}, version {version}"
