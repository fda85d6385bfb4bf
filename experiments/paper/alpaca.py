"""The loop of an account at Alpaca on this machine, and what a person sees of it."""

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from benbot.envs.desk.taping import VOLUME_WINDOW
from benbot.envs.errors import InvalidParameter
from benbot.envs.market.market import Market
from benbot.experiments.paper.live import Place
from benbot.experiments.paper.running import is_stopped, keep_trading, line, posted
from benbot.experiments.paper.subject import Asked
from benbot.experiments.training.preparation import Prepared
from benbot.paper.alpaca.keys import keys_from
from benbot.paper.alpaca.living import AtAlpaca, Terms, trading
from benbot.paper.autoloop import Cycle
from benbot.paper.press.aside import Aside

if TYPE_CHECKING:
    from rich.console import Console

LOOK_BACK = 252  # bars before the first decision, beyond those that every rule needs


def run_alpaca(asked: Asked, place: Place, console: "Console") -> None:
    """Trade an account on Alpaca's paper account until somebody ends it."""
    if place.timing.bar is not None:
        raise InvalidParameter(
            f"at Alpaca a bar lasts what it lasts, bar seconds were {place.timing.bar:g}. Leave "
            "--bar-seconds out"
        )
    if is_stopped(place, console):
        return
    keys_from(os.environ)  # refused before anything is prepared
    with posted(asked, place, console) as post:
        market = f"{post.one.history.n_symbols} symbols at Alpaca"
        terms = Terms(os.environ, n_bars_needed(post.who.prepared), asking=Aside())
        post = replace(post, venue="alpaca")
        keep_trading(post, market, lambda: trading(post.one, post.machine, terms), line_of)


def n_bars_needed(prepared: Prepared) -> int:
    """Return how many bars of history an account begins with: what every rule needs, and a year."""
    warmup = max(prepared.history.regime.warmup, *(each.warmup for each in prepared.strategies))
    sessions_of_volume = (VOLUME_WINDOW + 1) * _bars_a_session(prepared.market)
    news = getattr(prepared.config.market, "news", None)
    of_news = 0 if news is None else news.memory + 1  # until all of them are known
    return max(warmup, sessions_of_volume, of_news) + LOOK_BACK


def line_of(on: AtAlpaca, cycle: Cycle) -> str:
    """Return what became of a cycle, in a line, without asking the venue once more."""
    desk = on.loop.trader.desk
    money = float(desk.account["equity"]), float(desk.account["cash"])
    return line(on.store.now(), money, len(desk.positions), cycle)


def _bars_a_session(market: Market) -> int:
    return -(-market.n_bars // (int(market.session[-1] - market.session[0]) + 1))
