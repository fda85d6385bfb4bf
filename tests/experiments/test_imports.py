"""What a command line needs at its start is there at once; what is heavy waits until it is used."""

import subprocess
import sys

HEAVY = ("torch", "mlflow", "matplotlib", "stable_baselines3", "skfolio", "arch", "jinja2")
LIGHT = (
    "config",
    "report.figures",
    "report.page",
    "tracking.provenance",
    "tracking.tracker",
    "tracking.view",
    "verdict.statistics",
)


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    modules = ", ".join(f"benbot.experiments.{name}" for name in LIGHT)
    code = f"import sys, {modules}\nprint(*(n for n in {HEAVY!r} if n in sys.modules))"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert answer.stdout.strip() == ""
