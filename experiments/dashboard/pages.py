"""Pages from templates: all text is escaped, and numbers are written as in the report."""

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from benbot.experiments.report.breakdown import readable
from benbot.experiments.report.page import MISSING, write_number
from benbot.paper.press.item import legible
from benbot.strategies.records.moments import written

if TYPE_CHECKING:
    from jinja2 import Environment

SCRIPT, STYLE, ICON = "dashboard.js", "dashboard.css", "icon.svg"
HOUSE_STYLE = "report.css"
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
LONGEST = 300  # characters of a text that others wrote


def page(template: str, **values: Any) -> str:  # noqa: ANN401
    """Return a page as text."""
    return _environment().get_template(template).render(**values)


@cache
def static_files() -> dict[str, tuple[str, str]]:
    """Return type and text of the files that pages ask for, by name; the style begins as ours."""
    own = files(__package__) / "static"
    house = files("benbot.experiments.report") / "templates" / HOUSE_STYLE
    style = house.read_text("utf-8") + (own / STYLE).read_text("utf-8")
    script = (own / SCRIPT).read_text("utf-8")
    icon = (own / ICON).read_text("utf-8")
    return {
        STYLE: ("text/css", style),
        SCRIPT: ("text/javascript", script),
        ICON: ("image/svg+xml", icon),
    }


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        written=_known, moment=moment, age=age, readable=readable, tone=tone, cut=cut, plain=plain
    )
    environment.filters["legible"] = lambda text: legible(text, LONGEST + 1)
    return environment


def _known(value: float | None, style: str = "d", *, signed: bool = False) -> str:
    """Return a number as the report writes it; a dash for what is not known."""
    return MISSING if value is None else write_number(value, style, signed=signed)


def plain(value: float) -> str:
    """Return a number with as many digits as it needs, up to six."""
    return f"{value:z,.6g}".replace("-", "−")


def moment(kept: int | None) -> str:
    """Return a kept moment in UTC, to the minute."""
    return MISSING if kept is None else written(kept)[:16].replace("T", " ")


def age(seconds: float) -> str:
    """Return a time that has passed, in one unit: 40 s, 12 min, 3 h, 2 days."""
    for unit, name in ((DAY, "days"), (HOUR, "h"), (MINUTE, "min")):
        if seconds >= 2.0 * unit:
            return f"{seconds / unit:,.0f} {name}"
    return f"{seconds:,.0f} s"


def tone(value: float | None) -> str:
    """Return the class of a profit: better, worse, or nothing."""
    if value is None or math.isnan(value) or value == 0.0:
        return ""
    return "better" if value > 0.0 else "worse"


def cut(text: object) -> str:
    """Return a text that others wrote, cut where it is endless."""
    whole = str(text)
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}…"
