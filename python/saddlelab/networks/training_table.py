"""A training as text, CSV and JSON."""

from __future__ import annotations

import csv
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from saddlelab.networks.training import Training

__all__ = ["table", "to_json", "write_csv"]

_CURVES = ("loss", "test_loss", "accuracy", "test_accuracy", "gradient_norm")


def table(found: Training) -> str:
    """Write the first and the last record, and a line for each plateau."""
    columns = [(name, getattr(found, name)) for name in _CURVES]
    columns = [("epoch", found.epochs), *((n, c) for n, c in columns if c is not None)]
    norms = "weight norms"
    lines = [_head(found), "".join(f"{name:>15}" for name, _ in columns) + f"   {norms}"]
    for row in (0, -1):
        cells = [f"{column[row]:15d}" if name == "epoch" else f"{column[row]:15.6g}"
                 for name, column in columns]  # fmt: skip
        weights = " ".join(f"{norm:.4g}" for norm in found.weight_norms[row])
        lines.append("".join(cells) + f"   {weights}")
    return "\n".join([*lines, *_spectrum(found), *_plateaus(found)])


def _head(found: Training) -> str:
    sizes = "-".join(map(str, found.network.sizes))
    ended = "" if found.status == "steps" else f", {found.status}"
    return (
        f"{found.method} on a {found.network.activation} network {sizes}, {found.network.size} "
        f"parameters: {found.objective.terms} samples, {found.batch_size} in a step{ended}"
    )


def _spectrum(found: Training) -> list[str]:
    if found.spectra is None:
        return []
    index = int(found.spectra.index[-1])
    low, high = found.spectra.smallest[-1], found.spectra.largest[-1]
    known = f", {index} negative" if index >= 0 else ""
    return [f"eigenvalues of the last Hessian: {low:.4g} to {high:.4g}{known}"]


def _plateaus(found: Training) -> list[str]:
    if found.plateaus is None:
        return ["no plateaus: fewer than 5 records"]
    if not len(found.plateaus):
        return ["no plateaus"]
    if found.explanations is not None:
        return [str(each) for each in found.explanations]
    return [
        f"plateau, epochs {first:g} to {last:g}, loss {level:.4g}"
        for first, last, level in zip(
            found.epochs[found.plateaus.start], found.epochs[found.plateaus.stop - 1],
            found.plateaus.level, strict=True,
        )
    ]  # fmt: skip


def _records(found: Training) -> dict[str, list[Any]]:
    """The columns of the records; None where there is no number."""
    given: dict[str, Any] = {"epoch": found.epochs}
    given |= {name: getattr(found, name) for name in _CURVES}
    given |= {f"weight_norm_{k}": norms for k, norms in enumerate(found.weight_norms.T)}
    columns = {name: [x if np.isfinite(x) else None for x in column.tolist()]
               for name, column in given.items() if column is not None}  # fmt: skip
    if (spectra := found.spectra) is not None:
        at = dict(zip(spectra.epochs.tolist(), range(len(spectra.epochs)), strict=True))
        known = spectra.index if spectra.index[0] >= 0 else np.full(len(at), None)
        for name, values in (("smallest", spectra.smallest), ("largest", spectra.largest),
                             ("index", known)):  # fmt: skip
            numbers = values.tolist()
            columns[name] = [numbers[at[epoch]] if epoch in at else None
                             for epoch in columns["epoch"]]  # fmt: skip
    return columns


def write_csv(found: Training, path: str | os.PathLike[str]) -> None:
    """Write one line for each record; empty where there is no number."""
    columns = _records(found)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def to_json(found: Training) -> str:
    """Write everything but the parameters; null where there is no number."""
    plain: dict[str, Any] = {
        "sizes": list(found.network.sizes), "activation": found.network.activation,
        "loss": found.network.loss, "weight_decay": found.network.weight_decay,
        "method": found.method, "options": found.options, "batch_size": found.batch_size,
        "steps_per_epoch": found.steps_per_epoch, "seed": found.seed, "status": found.status,
    }  # fmt: skip
    where = [] if found.plateaus is None else json.loads(found.plateaus.to_json())["plateaus"]
    explained = found.explanations
    plateaus = where if explained is None else [each.as_dict() for each in explained]
    return json.dumps(plain | {"records": _records(found), "plateaus": plateaus})
