"""``saddlecore network DATA --critical``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset
    from saddlelab.networks import MLP

WEIGHT_DECAY = 0.01


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that only this has."""


def run(args: argparse.Namespace, network: MLP, data: Dataset) -> None:
    """Do it, and print what was found."""
    raise NotImplementedError
