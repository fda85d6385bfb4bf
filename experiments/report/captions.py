"""What the pictures of a report are called, and what they are for who cannot see them."""

CAPTIONS = {
    "equity": "Value of one unit invested, agent and baselines",
    "drawdown": "Fall below the highest mark so far, agent and baselines",
    "weights": "Share of the risk budget that each strategy and cash had, and how far seeds agree",
    "gates": "What the gates decided, and when breakers held the agent back",
    "seeds": "The account of every seed, and the middle of their growth",
    "regime_weights": "Mean weight of each strategy and of cash in each regime",
    "costs": "Growth a year against the costs of trading, as multiples of the configured ones",
    "value_at_risk": "Loss of each session against the value at risk that was forecast for it",
    "importance": "Growth that is lost when a group of features is shuffled in time",
}
# What a picture is, for who cannot see it; its numbers are in the tables about it.
KINDS = {
    "equity": "Line chart over time",
    "drawdown": "Line chart over time",
    "weights": "Stacked areas over time, and a dot a seed",
    "gates": "Bar chart, and strips over time",
    "seeds": "Line chart over time, and a dot a seed",
    "regime_weights": "Heat map, a row a regime and a column a strategy",
    "costs": "Line chart",
    "value_at_risk": "Line chart over time",
    "importance": "Bar chart, a bar a group",
}
# Those that stand beside the table that they draw.
PLACED = ("regime_weights", "costs", "value_at_risk", "importance")
