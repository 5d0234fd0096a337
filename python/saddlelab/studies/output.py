"""A study as a file or a data frame, always with the study that it came from."""

from __future__ import annotations

import csv
import functools
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from saddlecore import __version__

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from saddlelab.studies.result import PrevalenceStudy


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of what computes a study, by name."""
    found = {"saddlecore": __version__, "python": platform.python_version()}
    for package in ("numpy", "numba"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def specification(study: PrevalenceStudy) -> dict[str, Any]:
    """Return all that it takes to run the study again, and what it was run with."""
    return {
        "ensemble": study.ensemble,
        "parameters": study.parameters,
        "stream": study.stream,
        "samples": study.samples,
        "seed": study.seed,
        "nested": study.nested,
        "versions": study.versions,
    }


def as_json(study: PrevalenceStudy) -> dict[str, Any]:
    """Return the specification, the columns and the counts, as JSON has them."""
    columns = study.columns()
    del columns["samples"]
    return {
        **specification(study),
        **{name: values.tolist() for name, values in columns.items()},
        # Counts by dimension and index, as JSON has it with text for keys.
        **{f"{name}s": _by_index(study, values) for name, values in study.bin_values().items()},
    }


def write_csv(study: PrevalenceStudy, path: str | os.PathLike[str]) -> None:
    """Write one line per dimension; what is the same for all is on each: readers need no key."""
    columns, fixed = study.columns(), _flat(study)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*fixed, *columns])
        writer.writerows(
            [*fixed.values(), *row]
            for row in zip(*(values.tolist() for values in columns.values()), strict=True)
        )


def data_frame(study: PrevalenceStudy, *, counts: bool) -> pd.DataFrame:
    """Return a line per dimension, or per dimension and index; the rest in ``attrs``."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(_missing("to_dataframe", "pandas")) from error
    if counts:
        n, index, _ = study.bins()
        frame = pd.DataFrame({"n": n, "index": index, **study.bin_values()})
    else:
        frame = pd.DataFrame(study.columns())
    frame.attrs.update(specification(study))
    return frame


def data_set(study: PrevalenceStudy) -> xr.Dataset:
    """Return the columns over ``n``, and the counts over ``n`` and ``index``, zeros included."""
    try:
        import xarray as xr
    except ImportError as error:
        raise ImportError(_missing("to_dataset", "xarray")) from error
    columns = study.columns()
    dims = columns.pop("n")
    n, index, _ = study.bins()
    dense = {}
    for name, values in study.bin_values().items():
        dense[f"{name}s"] = np.zeros((dims.size, int(dims[-1]) + 1), values.dtype)
        dense[f"{name}s"][np.searchsorted(dims, n), index] = values
    # netCDF's attributes are numbers and texts.
    return xr.Dataset(
        {name: ("n", values) for name, values in columns.items()}
        | {name: (("n", "index"), values) for name, values in dense.items()},
        coords={"n": dims, "index": np.arange(int(dims[-1]) + 1)},
        attrs=_flat(study) | {"nested": int(study.nested), "seed": str(study.seed)},
    )


def _flat(study: PrevalenceStudy) -> dict[str, Any]:
    """The specification with texts for what has parts, and without the samples, a column."""
    found = specification(study)
    del found["samples"]
    for name in ("parameters", "versions"):
        found[name] = json.dumps(found[name], sort_keys=True)
    return found


def _by_index(study: PrevalenceStudy, values: NDArray[Any]) -> dict[str, dict[str, Any]]:
    """Values of the nonempty bins by dimension and index."""
    found: dict[str, dict[str, Any]] = {str(n): {} for n in study.dims.tolist()}
    n, index, _ = study.bins()
    for dim, k, value in zip(n.tolist(), index.tolist(), values.tolist(), strict=True):
        found[str(dim)][str(k)] = value
    return found


def _missing(method: str, package: str) -> str:
    return f"`{method}` needs {package}: pip install 'saddlecore[frames]'"
