"""The guards of `guards.py` that see to it that no fault passes in silence, and those of venues."""

from tests.paper.guard import Guard
from tests.paper.venue_guards import VENUE_GUARDS

OUTBOX, STRAYS, OUTAGE = "paper/outbox.py", "paper/strays.py", "paper/outage.py"
LEFT, SILENT = "test_strays.py", "test_outage.py"
REFUSED, TOLD = "test_refused_starts.py", "notify/test_faults.py"

ALARM_GUARDS = VENUE_GUARDS | {
    "22b": Guard(STRAYS, "n + 1 >= ASKED and ", "", f"{LEFT} -k slept"),
    "23b": Guard(
        STRAYS,
        "return replace(done, filled=units, fill_price=order.filled_price)",
        "return done",
        f"{LEFT} -k as_it_says",
    ),
    "26d": Guard(
        STRAYS,
        "if late:\n                self._overfills.alarm(",
        "if False:\n                self._overfills.alarm(",
        f"{LEFT} -k is_believed",
    ),
    "28b": Guard(
        OUTBOX, "elif self.strays.is_lost(intent):", "elif False:", f"{LEFT} -k holds_up_no_exit"
    ),
    "28c": Guard(
        "paper/staging.py",
        "unresolved = self._outbox.strays.why_not(intent)",
        'unresolved = ""',
        f"{LEFT} -k not_sent_again",
    ),
    "28d": Guard("paper/autoloop.py", "self._outbox.strays.ask()", "pass", f"{LEFT} -k restart"),
    "28e": Guard(STRAYS, "change.alarm(SUBJECT, why=why, **about)", "pass", LEFT),
    "33b": Guard(
        OUTAGE,
        "if now - self._since >= PATIENCE and KEYS not in self._told:",
        "if False:",
        f"{SILENT} -k after_a_while",
    ),
    "35b": Guard(OUTAGE, 'self._alarm(KEYS, f"{error}. {ADVICE}")', "pass", f"{SILENT} -k revoked"),
    "35c": Guard(
        OUTAGE,
        "if self._refused and self._elapsed() < self._asks_at:",
        "if False:",
        f"{SILENT} -k decent_pace",
    ),
    "36b": Guard(
        OUTAGE,
        "if all(one.subject != ACCOUNT for one in self._store.events(ALARM)):",
        "if False:",
        f"{SILENT} -k ruined",
    ),
    "39b": Guard(
        OUTBOX, "if not self._store.may_send():", "if False:", "test_tenure.py -k stalled"
    ),
    "39c": Guard("paper/tenure.py", "passed = max(", "passed = min(", "test_tenure.py -k later"),
    "39d": Guard("paper/store.py", "if not self.may_send():", "if False:", "test_tenure.py"),
    "39e": Guard(
        "paper/heartbeat.py",
        "except RecordsHeld:",
        "except ZeroDivisionError:",
        "test_heartbeat.py -k taken_over",
    ),
    "43b": Guard(
        "paper/standing.py",
        "kept[:-1] if is_image_of(facts, kept[:-1]) else kept",
        "kept",
        "test_paper_store.py -k older",
    ),
    "52d": Guard(
        "paper/trust.py",
        "self._disabled.pop(one.subject, None)",
        "pass",
        "test_distrust.py -k pardoned",
    ),
    "66a": Guard(
        "paper/alpaca/living.py",
        "stack.enter_context(closing(wire(keys, url, machine.now, terms.deadline)))",
        "wire(keys, url, machine.now, terms.deadline)",
        f"{REFUSED} -k assets",
    ),
    "66b": Guard(
        "paper/store.py",
        "        except BaseException:\n            self._writing.dispose()",
        "        except BaseException:\n            pass",
        f"{REFUSED} -k store_that_refuses",
    ),
    "66c": Guard(
        "paper/network.py",
        "            if given_up.is_set():\n                raise ReadTimeout\n",
        "",
        "test_alpaca_reading.py -k reads_no_more",
    ),
    "66d": Guard(
        "paper/notify/teller.py",
        "except Exception as error:",
        "except ZeroDivisionError as error:",
        f"{TOLD} -k nobody_expected",
    ),
    "66e": Guard(
        "paper/attendance.py",
        'self.alarm(f"{NOTIFY} {name}", why)',
        "pass",
        f"{TOLD} -k nothing_reaches",
    ),
    "67c": Guard(
        "experiments/paper/ending.py",
        "os._exit(LEFT)",
        "return",
        "test_ending.py -k cannot_be_interrupted",
    ),
    "67e": Guard(
        "experiments/paper/ending.py",
        "if late.is_set():  #",
        "if False:  #",
        "test_ending.py -k whatever_a_library",
    ),
    "67d": Guard(
        "experiments/paper/running.py",
        "    if is_stopped(place, console):\n        return\n    with subject_of(asked)",
        "    with subject_of(asked)",
        "../experiments/paper/test_paper_cli.py -k was_stopped",
    ),
}
