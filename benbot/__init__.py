"""BenBot: a trading system as a reinforcement-learning environment and training stack."""

from importlib.metadata import version

__version__ = version("benbot")
