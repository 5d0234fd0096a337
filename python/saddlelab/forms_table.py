"""The engine's table of the forms of an objective."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import saddlecore
from saddlelab.building import Built

__all__ = ["FormsTable"]


class FormsTable:
    """The engine's table of forms, see ``saddlecore.forms``.

    As an array it is the owner of the array's memory: what the addresses point to lives as long.
    """

    def __init__(self, built: Sequence[Built | None], expression: Any) -> None:
        """Fill the table with compiled functions and the programs of an expression."""
        forms = saddlecore.forms
        self.addresses = np.zeros((forms.SLOTS, 2), np.int64)
        self.__array_interface__ = self.addresses.__array_interface__
        self._keep: list[Any] = [*built]
        slots = (forms.VALUE, forms.GRADIENT, forms.HVP)
        for slot, each in zip(slots, built, strict=True):
            if each is not None:
                self._put(slot, each.plain, each.in_lanes)
        if expression is not None:
            self._put_programs(expression)

    def _put(self, slot: int, plain: Any, in_lanes: Any) -> None:
        for at, form in ((slot, plain), (slot + 1, in_lanes)):
            if form is not None:
                self.addresses[at] = form.address, form.data

    def put(self, slot: int, plain: int, in_lanes: int, data: Any, *kept: Any) -> None:
        """Take a form of the engine (0: none in lanes) and its data; `kept` lives as long."""
        self.addresses[slot] = plain, data.ctypes.data
        self.addresses[slot + 1] = in_lanes, data.ctypes.data if in_lanes else 0
        self._keep.append((data, *kept))

    def _put_programs(self, expression: Any) -> None:
        """Fill the table with compiled functions and the programs of an expression."""
        forms, evaluate = saddlecore.forms, saddlecore.evaluate
        for slot, made in (
            (forms.GRADIENT, expression.gradient),
            (forms.HVP, expression.hvp),
            (forms.SECOND, expression.second),
        ):
            if made is not None and not self.addresses[slot, 0]:
                description = evaluate.describe(made[0])
                self._keep.append((made, description))
                where = description.ctypes.data
                self.addresses[slot] = evaluate.program_form(), where
                self.addresses[slot + 1] = evaluate.program_form_lanes(), where
