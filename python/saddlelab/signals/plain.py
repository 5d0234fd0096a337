"""Figures for JSON, which knows no infinity."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["or_null"]


def or_null(value: Any) -> Any:
    """Replace what is infinite or not a number by None, in lists and dictionaries too."""
    if isinstance(value, dict):
        return {name: or_null(each) for name, each in value.items()}
    if isinstance(value, list):
        return [or_null(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
