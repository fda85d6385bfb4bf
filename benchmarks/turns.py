"""Runs scenarios of the checkout that it is started in, one for each line that it is told.

The file may be that of another checkout: it needs nothing but `benchmarks.scenarios`.
"""

import sys
import time

READY = "ready"
SCENARIOS = ("kernel-b64", "kernel-b1024", "kernel-ledger")


def main() -> None:
    from benchmarks.scenarios import build_history, kernel

    history = build_history()
    scenarios = {
        "kernel-b64": kernel(history, 64, 200),
        "kernel-b1024": kernel(history, 1024, 60),
        "kernel-ledger": kernel(history, 64, 200, on_record=True),
    }
    for scenario in scenarios.values():
        scenario.run()
    say(READY)
    for line in sys.stdin:
        scenario = scenarios[line.strip()]
        start = time.process_time()
        scenario.run()
        say(f"{(time.process_time() - start) / scenario.steps * 1e9}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
