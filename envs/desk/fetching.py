"""What the next step will read, asked for while the processor is busy with this one."""

from benbot.envs.arrays import AnyArray
from benbot.envs.desk.compiled import compiled
from benbot.envs.desk.coordinate import Contest, is_on_record
from benbot.envs.desk.desk import Desk
from benbot.envs.desk.prefetch import LINE, prefetch


@compiled
def fetch_ahead(desk: Desk, b: int, t: int) -> None:
    """Ask for what account `b` will read first at bar `t`: values, and the bars that it holds.

    An account with a slot to fill reads all values, any other only those of its positions; with a
    ledger everybody reads all, and what sizes are made of.
    """
    value, bars, n_positions = desk.tape.value, desk.tape.bars, desk.book.accounts[b].n_positions
    row = value.shape[2] * value.itemsize
    has_room, on_record = n_positions < desk.book.positions.shape[1], is_on_record(desk)
    for i in range(n_positions):
        position = desk.book.positions[b, i]
        prefetch(bars, ((t + 1) * bars.shape[1] + position.symbol) * bars.itemsize)
        if not (has_room or on_record):
            own = (t * value.shape[1] + position.strategy) * row + position.symbol * value.itemsize
            prefetch(value, own)
    if has_room or on_record:
        fetch_rows(value, t, value.shape[1] * row)
    if on_record:
        fetch_rows(desk.tape.sizing, t, desk.tape.sizing.shape[1] * desk.tape.sizing.itemsize)
        if has_room:
            fetch_rows(desk.tape.facts, t, desk.tape.facts.shape[1] * desk.tape.facts.itemsize)


@compiled
def fetch_stops(desk: Desk, contest: Contest, t: int, n_listed: int) -> None:
    """Ask for the stops of all winners."""
    stop = desk.tape.stop
    for i in range(n_listed):
        s = contest.winner[i]
        row = t * stop.shape[1] + contest.owner[0, s]
        prefetch(stop, (row * stop.shape[2] + s) * stop.itemsize)


@compiled
def fetch_rows(array: AnyArray, t: int, size: int) -> None:
    """Ask for entry `t` of an array, of so many bytes."""
    for offset in range(t * size, (t + 1) * size, LINE):
        prefetch(array, offset)


@compiled
def fetch_tied(desk: Desk, b: int, t: int) -> None:
    """Ask for the bits of what account `b` holds."""
    tied, row = desk.tape.tied, desk.tape.calendar[t].risk_row + 1
    words = tied.shape[3] * tied.itemsize
    for i in range(desk.book.accounts[b].n_positions):
        s = desk.book.positions[b, i].symbol
        for side in range(2):
            prefetch(tied, ((row * 2 + side) * tied.shape[2] + s) * words)


@compiled
def fetch_winners(desk: Desk, contest: Contest, b: int, t: int, n_listed: int) -> None:
    """Ask for the facts of the winners and of what is held."""
    for i in range(desk.book.accounts[b].n_positions):
        fetch_facts(desk, t, desk.book.positions[b, i].symbol)
    for i in range(n_listed):
        fetch_facts(desk, t, contest.winner[i])


@compiled
def fetch_facts(desk: Desk, t: int, s: int) -> None:
    facts = desk.tape.facts
    prefetch(facts, (t * facts.shape[1] + s) * facts.itemsize)
