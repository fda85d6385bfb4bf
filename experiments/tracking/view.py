"""What the MLflow UI shows first: the list of runs with the columns that people compare.

A new experiment has no column but dates and durations until somebody picks some. The UI reads a
view from a tag of the experiment when a link names it. The tags are the UI's own and not part
of MLflow's promises; a version that does not know them shows its usual list.
"""

import json
from urllib.parse import quote, urlencode

VIEW = "results"
SHOWN_TAGS = ("algo", "seed", "fold", "strategy_set", "reward")
SHOWN_METRICS = (
    "annual_return",
    "sharpe_ratio",
    "max_drawdown",
    "log_growth",
    "turnover",
    "exposure",
    "n_trades",
)


def experiment_tags() -> dict[str, str]:
    """Return the tags of an experiment whose runs train models and are compared on `test`."""
    columns = [
        *(f"tags.`{name}`" for name in SHOWN_TAGS),
        *(f"metrics.`test/{name}`" for name in SHOWN_METRICS),
        "attributes.`Duration`",
        "attributes.`Source`",
    ]
    view = {"selectedColumns": columns, "orderByKey": "attributes.start_time", "orderByAsc": False}
    return {
        "mlflow.experimentKind": "custom_model_development",
        f"mlflow.sharedViewState.{VIEW}": json.dumps(view),
    }


def runs_page(server: str, experiment_id: str) -> str:
    """Return the address of an experiment's list of runs at a server such as http://host:5000."""
    query = urlencode({"viewStateShareKey": VIEW, "workflowType": "machine_learning"})
    return f"{server.rstrip('/')}/#/experiments/{quote(experiment_id)}/runs?{query}"
