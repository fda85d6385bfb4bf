"""One seed of a training: train, keep the bundle, run it over the segments, write it down."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benbot.agents.bundle import load_bundle, save_bundle
