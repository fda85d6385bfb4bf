"""The species that the settings ask for."""

from collections.abc import Sequence
from typing import Any

from benbot.envs.market.market import Market
from benbot.evolution.genomes import Species
from benbot.evolution.parameters import Rules
from benbot.evolution.programs import Programs
from benbot.evolution.settings import EvolutionSettings
from benbot.strategies.programs.features import available, check_features


def species_of(settings: EvolutionSettings, market: Market, rules: Sequence[str]) -> Species[Any]:
    """Return what is bred; `rules` are those whose parameters it is unless others are named.

    A feature that the market does not have is refused.
    """
    if settings.genome == "parameters":
        return Rules(settings.rules or tuple(dict.fromkeys(rules)))
    features = settings.programs.features or available(market)
    check_features(market, features)
    return Programs(settings.programs.language(features))
