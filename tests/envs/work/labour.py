"""Work for processes that can import this and nothing of a test."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from benbot.envs.errors import InvalidParameter
from benbot.envs.work.executor import Tell


def square(task: int, tell: Tell) -> int:
    tell(f"squaring {task}")
    return task * task


def process_id(task: int, tell: Tell) -> int:
    return os.getpid()


def die_at(task: tuple[int, int], tell: Tell) -> int:
    """Return a number, or be ended by the system at one that is named."""
    number, fatal = task
    if number == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def refuse(task: int, tell: Tell) -> int:
    if task == 1:
        raise InvalidParameter("a task must not be 1")
    return task


def stumble(task: int, tell: Tell) -> float:
    return 1 / task


def until_stopped(task: Path, tell: Tell) -> Any:  # noqa: ANN401
    """Go on for ever; when it is stopped, keep what it has and tell that, too."""
    n_steps = 0
    try:
        while True:
            n_steps += 1
            tell(n_steps)
            time.sleep(0.01)
    except KeyboardInterrupt:
        task.write_text(str(n_steps))
        raise


def once_or_until_stopped(task: Path, tell: Tell) -> Any:  # noqa: ANN401
    """Return at once where the task is `one`, when another has begun."""
    return time.sleep(1.0) if task.name == "one" else until_stopped(task, tell)
