"""Which line keeps each fault of `faults.md` off, and which test fails where it is taken out.

A guard is named by its row, with a letter where a row has several.
"""

from tests.paper.alarm_guards import ALARM_GUARDS
from tests.paper.guard import Guard

QUOTES, FAULTS = "test_quotes.py", "test_loop_faults.py"
BOARD, READING = "paper/quote_board.py", "paper/alpaca/reading.py"
OUTBOX, STORE, TRUST = "paper/outbox.py", "paper/store.py", "paper/trust.py"
LOOP, STAGING = "paper/autoloop.py", "paper/staging.py"

GUARDS = ALARM_GUARDS | {
    "1": Guard(BOARD, "if not quote.age(now) <= limits.age + quote.delay:", "if False:", QUOTES),
    "1b": Guard(
        "paper/reel.py",
        'tape.facts["age"][t - 1, list(opening.doubtful)] = np.inf',
        "pass",
        "test_doubtful.py -k entries_do_not",
    ),
    "1c": Guard(
        "paper/live_feed.py",
        "replace(self._opened(t, self._believed(t)), doubtful=doubtful)",
        "self._opened(t, self._believed(t))",
        "test_live_feed.py",
    ),
    "2": Guard(
        "paper/trader.py",
        "self._feed.stale(self._followed())",
        "0",
        f"{FAULTS}::test_a_feed_that_freezes_trips_the_breaker_of_the_desk",
    ),
    "3": Guard(BOARD, "if not spread >= 0.0:", "if False:", QUOTES),
    "4": Guard("paper/boundary.py", "if not value > 0.0:  #", "if False:  #", "test_boundary.py"),
    "5": Guard(BOARD, "if claim.seen_again < self._limits.confirmations:", "if False:", QUOTES),
    "6": Guard(BOARD, "if quote.time < latest:", "if False:", QUOTES),
    "10": Guard(LOOP, "if skew > SKEW:", "if False:", FAULTS),
    "13": Guard(
        OUTBOX,
        "if order is None and is_past:",
        "if False:",
        f"{FAULTS}::test_a_bar_that_is_over_sends_nothing_any_more",
    ),
    "18": Guard(
        OUTBOX,
        'settled(IntentStatus.REFUSED, f"{error.reason}',
        'settled(IntentStatus.SENT, f"{error.reason}',
        f"{FAULTS}::test_a_refused_order_is_over_keeps_its_reason_and_is_not_sent_again",
    ),
    "19": Guard(
        OUTBOX,
        "order = None if is_new else self._look(intent)",
        "order = None",
        f"{FAULTS}::test_an_order_that_may_have_arrived_is_asked_for_before_it_is_sent",
    ),
    "20": Guard(
        "paper/simulated.py",
        "if not found.to_order().is_of(intent):",
        "if False:",
        "test_contract_orders.py",
    ),
    "22": Guard(
        OUTBOX,
        "for i in range(self._manners.looks):",
        "for i in range(1):",
        f"{FAULTS}::test_one_look_does_not_say_that_an_order_is_not_there",
    ),
    "24": Guard(
        "paper/filled.py",
        "once = {fill.execution_id: fill for fill in venue.fills(since)}",
        "once = dict(enumerate(venue.fills(since)))",
        "test_loop_parity.py::test_lost_answers_and_fills_that_are_told_twice_change_nothing",
    ),
    "26a": Guard(
        OUTBOX,
        "if intent.is_overfilled:\n                units",
        "if False:\n                units",
        f"{FAULTS} -k beyond_what",
    ),
    "26b": Guard(
        STAGING,
        "leave.blocked or too_slow or overfilled or",
        "leave.blocked or too_slow or",
        "test_overfills.py -k until_a_resume",
    ),
    "26c": Guard(
        OUTBOX,
        "return self._store.own_order(fill.venue_order_id)",
        "return None",
        "test_overfills.py -k alarm",
    ),
    "31": Guard(
        OUTBOX,
        "self.failures += 1\n            found = self._look(intent)",
        "found = None",
        "test_loop_parity.py::test_lost_answers_and_fills_that_are_told_twice_change_nothing",
    ),
    "35": Guard(
        LOOP,
        "except VenueUnavailable as error:\n            self._outbox.failures += 1",
        "except ZeroDivisionError as error:\n            self._outbox.failures += 1",
        "test_autoloop.py",
    ),
    "36": Guard(LOOP, "if not account.may_open:", "if False:", FAULTS),
    "37": Guard(
        READING, "OrderStatus.UNKNOWN)", "OrderStatus.CANCELLED)", "test_alpaca_reading.py"
    ),
    "38": Guard(
        STAGING,
        "            keep(change)\n            change.plan(intent, names)",
        "            keep(change)",
        "test_kills.py::test_the_run_that_is_killed_has_something_to_lose",
    ),
    "39": Guard(
        "paper/lease.py",
        "fcntl.LOCK_EX | fcntl.LOCK_NB",
        "fcntl.LOCK_SH | fcntl.LOCK_NB",
        "test_paper_store.py",
    ),
    "40": Guard(
        "strategies/records/database.py",
        "PRAGMA synchronous = FULL",
        "PRAGMA synchronous = OFF",
        "test_paper_store.py",
    ),
    "41": Guard(
        "strategies/records/database.py",
        "        raise _translated(url, error) from None",
        "        raise error from None",
        f"{FAULTS}::test_what_cannot_be_kept_is_not_sent",
    ),
    "42": Guard(
        "strategies/records/database.py",
        'connect_args={"timeout": patience}',
        'connect_args={"timeout": 0.0}',
        f"{FAULTS}::test_a_database_that_is_locked_for_a_while_is_waited_for",
    ),
    "43": Guard(
        "strategies/records/chain.py",
        "_hash(tuple(content)):",
        "digest:",
        "test_paper_store.py",
    ),
    "44": Guard(
        "paper/enduring.py",
        "except RecordsUnavailable as error:",
        "except ZeroDivisionError as error:",
        "test_paper_postgres.py",
    ),
    "45a": Guard("paper/limits.py", "    if looser:", "    if False:", "test_limits.py"),
    "45b": Guard(
        "paper/trader.py",
        "left_alone = {*self.standing.foreign, *self._obeyed.closed}",
        "left_alone = {*self.standing.foreign}",
        "test_limits.py",
    ),
    "45c": Guard(
        "paper/limits.py", "min(limit, record[field][0])", "record[field][0]", "test_limits.py"
    ),
    "46": Guard(
        "paper/trader.py",
        "left_alone = {*self.standing.foreign, *self._obeyed.closed}",
        "left_alone = {*self._obeyed.closed}",
        "test_reconciliation.py",
    ),
    "47": Guard(
        READING,
        '-abs(units) if side == "short" else abs(units)',
        "units",
        "test_alpaca_reading.py",
    ),
    "48": Guard(
        "paper/alpaca/reading.py",
        "return [read(row) for row in answer]",
        "return [read(row) for row in answer if row]",
        "test_alpaca_reading.py",
    ),
    "49": Guard(TRUST, "return WHY", 'return ""', "test_distrust.py -k without_its_policy"),
    "50": Guard(
        "agents/bundle.py",
        'if expected != was:\n                raise RunMismatch(\n                    f"the {part}',
        'if False:\n                raise RunMismatch(\n                    f"the {part}',
        "../experiments/paper/test_paper_cli.py::test_a_policy_of_other_rules_is_refused",
    ),
    "51": Guard(
        TRUST,
        "if self._n_nonsense >= NEEDED:\n            return f",
        "if False:\n            return f",
        "test_distrust.py -k nonsense",
    ),
    "52a": Guard(
        "paper/isolation.py",
        "except Exception as error:",
        "except ZeroDivisionError as error:",
        "test_distrust.py",
    ),
    "52b": Guard(
        "paper/isolation.py", "thread.join(seconds)", "thread.join()", "test_distrust.py -k hangs"
    ),
    "52c": Guard(TRUST, "if n_failed >= NEEDED:", "if False:", "test_distrust.py -k disabled"),
    "53a": Guard("paper/caps.py", "notional <= caps.entry * equity", "True", "test_limits.py"),
    "53b": Guard(
        "paper/caps.py",
        "        for intent in self._store.intents_since(microseconds(day)):",
        "        for intent in ():",
        "test_limits.py -k restart",
    ),
    "53c": Guard(
        "paper/caps.py",
        "self._entries.total()\n            < caps.entries_per_day",
        "True",
        "test_limits.py",
    ),
    "54a": Guard(
        "paper/urgency.py",
        "if intent.is_entry or n_failed < NEEDED:",
        "if True:",
        "test_emergency.py",
    ),
    "54b": Guard(
        "paper/urgency.py",
        "        for intent in store.intents_since(microseconds(store.now() - LOOK_BACK)):",
        "        for intent in ():",
        "test_emergency.py -k restart",
    ),
    "55a": Guard(OUTBOX, "        if is_halted:", "        if False:", "test_kill_switch.py"),
    "55b": Guard(
        OUTBOX,
        "        if is_halted is None:",
        "        if False:",
        "test_kill_switch.py -k cannot_be_read",
    ),
    "62": Guard(
        "paper/margin.py",
        "            if _could_meet(buy, sell):",
        "            if False:",
        "test_contract_orders.py",
    ),
    "63": Guard(
        "paper/margin.py",
        "if intent.units > (held - promised) * (1.0 + ROUNDING):",
        "if False:",
        "test_contract_orders.py",
    ),
    "65": Guard(
        LOOP,
        "blocked, lambda: self._clocks.elapsed() - began > PATIENCE, self._must_end",
        "blocked, lambda: False, self._must_end",
        "test_autoloop.py",
    ),
    "67a": Guard(
        "experiments/paper/ending.py",
        "signal.alarm(GRACE)",
        "pass",
        "test_ending.py -k does_not_end",
    ),
    "67b": Guard(
        STAGING,
        "if is_new and leave.is_over() and _enters(traded.next):",
        "if False:",
        "test_ending.py -k leaves_what",
    ),
    "68": Guard(
        "paper/boundary.py", "or not SYMBOL.fullmatch(value)", "", "test_boundary.py test_quotes.py"
    ),
}
