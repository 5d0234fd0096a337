"""Arrays of .npy and .npz files that somebody else wrote, or that arrived in pieces."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

__all__ = ["read_arrays"]

Array: TypeAlias = NDArray[np.generic]

# Version 3 of the format is for names of fields beyond Latin: those are no numbers.
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_arrays(path: Path) -> Iterator[tuple[str, Array]]:
    """Yield the arrays of a file and their names; that of a .npy file is "".

    A .npy file is mapped, not read.  Pickles are refused: they would run what the file says.  No
    more is read than is there, whatever a header claims.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If it is damaged, or holds anything else than arrays.
    """
    if path.is_dir():
        raise ValueError(f"{path}: must be a .npy or .npz file, it is a folder")
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"
    if archive:
        yield from _members(path)
        return
    with _refusing(path, "must be a .npy or .npz file of numbers"):
        with path.open("rb") as file:
            _check_claim(file, os.fstat(file.fileno()).st_size)
        array = np.load(path, allow_pickle=False, mmap_mode="r")
    yield "", array


def _members(path: Path) -> Iterator[tuple[str, Array]]:
    with _refusing(path, "must be a .npz file of arrays, it is damaged"):
        archive = ZipFile(path)
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members:
            raise ValueError(f"{path}: holds no arrays")
        for member in members:
            name = member.filename.removesuffix(".npy")
            with _refusing(f"{path}[{name}]", "must be an array of numbers"):
                with archive.open(member) as file:
                    _check_claim(file, member.file_size)
                with archive.open(member) as file:
                    array = npy.read_array(file, allow_pickle=False)
            yield name, array


def _check_claim(file: IO[bytes], size: int) -> None:
    """Raise ValueError if a file of `size` bytes cannot hold what its header says."""
    shape, _, dtype = _HEADERS[npy.read_magic(file)](file)
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > size - file.tell():
        raise ValueError


@contextmanager
def _refusing(where: Any, rule: str) -> Iterator[None]:
    """What a garbled file makes NumPy, zipfile, tokenize or zlib raise, as one ValueError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that are not quite Python
            yield
    except MemoryError:
        raise MemoryError(f"{where}: is larger than the memory that is free") from None
    except Exception:
        raise ValueError(f"{where}: {rule}") from None
