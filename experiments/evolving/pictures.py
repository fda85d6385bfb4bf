"""The pictures of a search as files of its run: figures, and of each member a tree and a family."""

from benbot.experiments.evolving.family_tree import family_svg
from benbot.experiments.evolving.figures import search_figures
from benbot.experiments.evolving.page import tree_of
from benbot.experiments.evolving.record import SearchRecord
from benbot.experiments.tracking.tracker import Run


def record_pictures(run: Run, record: SearchRecord) -> None:
    """Write them below `figures/`, `trees/` and `families/`."""
    for name, picture in search_figures(record).items():
        run.log_file(f"figures/{name}.png", picture)
    for winner in record.winners:
        if tree := tree_of(winner):
            run.log_file(f"trees/{winner.name}.svg", tree)
        run.log_file(f"families/{winner.name}.svg", family_svg(winner.ancestors))
