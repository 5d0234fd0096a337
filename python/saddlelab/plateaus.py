"""Where a loss stands still: plateaus of any series of losses or perplexities."""

from __future__ import annotations

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saddlelab.arguments import finite_float
from saddlelab.plateaus_csv import read_column
from saddlelab.plateaus_result import Plateaus

__all__ = ["plateaus"]

Floats: TypeAlias = NDArray[np.float64]
Windows: TypeAlias = list[tuple[int, int]]

#: Records that a plateau has at least, and those that the noise can be told from.
_FEWEST = 5
#: Standard deviations of what is left of the noise, from one side of a band to the other.
_BAND = 8.0
#: Standard deviation of a normal variate by its median deviation; of a second difference of white
#: noise by that of the noise; of a median of w by that of the noise over √w.
_MAD, _SECOND, _MEDIAN = 1.4826022185056018, 6.0**0.5, (np.pi / 2.0) ** 0.5
#: A plateau is so much longer than a fall by its height at the mean rate, or this part of all.
_SLOWER, _ENOUGH = 1.5, 0.25
#: Neighbouring windows make one plateau if this part of the shortest or less is between them.
_GAP = 0.5


def plateaus(
    losses: ArrayLike | str | os.PathLike[str],
    *,
    column: str | int | None = None,
    steps: ArrayLike | str | int | None = None,
    flat: float = 0.01,
    most: float = 0.1,
    shortest: float = 0.03,
    floor: float = 0.0,
) -> Plateaus:
    """Find the windows in which a loss barely moves, and what ends them.

    Let x be the logarithm of the loss, freed from noise by a running median that is no wider than
    needed, S the range of x over the whole series, and T its records.  A plateau is a window in
    which x stays within a band of the height

        h = min(`flat` · S, `most`) + 8 standard deviations of the noise that is left

    for at least `shortest` · T records, and at least 3/2 of what it would take to fall by h at the
    mean rate S/T (a quarter of the series is always enough).

    The longest window is found first, then the longest of what remains, and so on; neighbours
    whose levels (medians) differ by no more than h, with hardly anything between them, are one.
    After the window the plateau is ended by what comes first, a ``"drop"`` below its level by more
    than h or a ``"rise"``; by the ``"end"`` of the series if there is neither.

    Nothing changes if all losses are multiplied by a number or, as long as `most` is not in force,
    raised to a power.  A loss that falls exponentially at one rate has no plateau.

    That a loss stands still proves neither a minimum nor a saddle; only a Hessian can tell.

    Parameters
    ----------
    losses : (T,) array_like, or path
        Positive numbers in the order of the records, or a CSV file with a line of names.
    column : str or int, optional
        Of the file: its name, or its number from 0 on; by default ``"loss"``, ``"train_loss"``,
        ``"perplexity"`` or the like if there is such a one, else the last.
    steps : (T,) array_like, or str or int, optional
        Where the records are, increasing: numbers, or a column of the file; else 0, 1, 2, …
    flat : float, optional
        Height of the band, as a fraction of the range of ln loss.
    most : float, optional
        ln loss moves at most by this, whatever the range: by default about 10 %.
    shortest : float, optional
        Length of a plateau at least, as a fraction of the records; never below 5 records.
    floor : float, optional
        Taken from the losses before the logarithm: of those that do not go to 0, the lowest
        possible.

    Returns
    -------
    Plateaus

    Raises
    ------
    ValueError, TypeError
        If there are fewer than 5 losses, one is not finite or not above the floor, or another
        argument is out of its range.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> import numpy as np
    >>> from saddlelab.plateaus import plateaus
    >>> loss = np.concatenate([np.full(40, 2.0), np.geomspace(2.0, 0.1, 20), np.full(40, 0.1)])
    >>> found = plateaus(loss)
    >>> found.start.tolist(), found.stop.tolist(), found.ended.tolist()
    ([0, 59], [41, 100], ['drop', 'end'])
    """
    if isinstance(losses, str | os.PathLike):
        name, values = read_column(losses, column, loss=True)
        if isinstance(steps, str | int):
            steps = read_column(losses, steps, loss=False)[1]
    else:
        if column is not None or isinstance(steps, str | int):
            raise ValueError("`column` and a `steps` that names one must come with a file")
        name, values = "loss", _series("losses", losses)
    least = finite_float("`floor` must be a finite number", floor)
    parts = [_fraction(*each) for each in (("flat", flat), ("shortest", shortest))]
    height = _positive("most", most)
    _check(values, least)
    at = np.arange(len(values)) if steps is None else _steps(steps, len(values))
    return _found(name, values, np.asarray(at), least, parts[0], height, parts[1])


def _found(
    name: str, values: Floats, at: Floats, floor: float, flat: float, most: float, shortest: float
) -> Plateaus:
    raw = np.log(values - floor)
    T = len(raw)
    length = min(max(_FEWEST, int(np.ceil(shortest * T))), T)
    # What noise adds to the band is half of it at most, if that can be had.
    x, left = _freed(raw, _noise(raw), 0.5 * min(flat * float(np.ptp(raw)), most), length)
    span = float(np.ptp(x))
    band = max(min(flat * span, most) + _BAND * left, _rounding(raw))
    length = max(length, int(np.ceil(T * min(_SLOWER * band / span, _ENOUGH)))) if span else length
    windows = _joined(x, _windows(x, band, length), band, length)
    ends = [_end(x, start, stop, band) for start, stop in windows]
    # Where nothing more happens a plateau lasts to the end.
    stops = [T if end == "end" else stop
             for (_, stop), end in zip(windows, ends, strict=True)]  # fmt: skip
    levels = [float(np.median(x[start:stop])) for start, stop in windows]
    return Plateaus(
        start=np.array([start for start, _ in windows], np.int64), stop=np.array(stops, np.int64),
        level=floor + np.exp(np.array(levels)), after=floor + np.exp(_after(x, windows, levels)),
        ended=np.array(ends, dtype="U4"), losses=values, smooth=floor + np.exp(x), steps=at,
        band=float(band), noise=_noise(raw), floor=floor, name=name,
    )  # fmt: skip


# --- arguments ------------------------------------------------------------------------------------


def _series(name: str, values: Any) -> Floats:
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"`{name}` must be numbers, got {values!r}") from None
    if found.ndim != 1:
        raise ValueError(f"`{name}` must have shape (T,), got {found.shape}")
    return found


def _check(values: Floats, floor: float) -> None:
    if len(values) < _FEWEST:
        raise ValueError(f"`losses` must hold at least {_FEWEST} records, got {len(values)}")
    good = np.isfinite(values)
    if not good.all():
        i = int(np.argmin(good))
        raise ValueError(f"`losses` must be finite, but record {i} is {values[i]}: cut them there")
    if (values <= floor).any():
        i = int(np.argmax(values <= floor))
        raise ValueError(
            f"`losses` must be above `floor`, {floor:g}, as their logarithms are compared, but "
            f"record {i} is {values[i]:g}: pass a lower `floor`"
        )


def _steps(steps: Any, count: int) -> Floats:
    found = _series("steps", steps)
    if len(found) != count or not np.isfinite(found).all() or (np.diff(found) <= 0.0).any():
        raise ValueError(f"`steps` must be {count} increasing numbers, one of each loss")
    return found


def _positive(name: str, value: Any) -> float:
    rule = f"`{name}` must be positive and finite"
    number = finite_float(rule, value)
    if number <= 0.0:
        raise ValueError(f"{rule}, got {value!r}")
    return number


def _fraction(name: str, value: Any) -> float:
    number = _positive(name, value)
    if number >= 1.0:
        raise ValueError(f"`{name}` must be below 1, got {value!r}")
    return number


# --- noise ----------------------------------------------------------------------------------------


def _noise(x: Floats) -> float:
    """Standard deviation of white noise on something smooth, by the median second difference."""
    second = np.diff(x, 2)
    return float(_MAD * np.median(np.abs(second)) / _SECOND)


def _rounding(x: Floats) -> float:
    """Of the logarithms: a series that is constant to rounding stands still."""
    return float(8.0 * np.finfo(np.float64).eps * max(1.0, float(np.abs(x).max())))


def _freed(x: Floats, noise: float, band: float, length: int) -> tuple[Floats, float]:
    """Running medians, as wide as the band needs but no wider than a plateau; noise left."""
    if _BAND * noise <= band or noise == 0.0:
        return x, noise
    from scipy.ndimage import median_filter

    width = int(min(np.ceil((_BAND * _MEDIAN * noise / band) ** 2), length)) | 1 if band else length
    smooth = median_filter(x, size=width, mode="reflect")  # "nearest" keeps the ends' noise
    return np.asarray(smooth), _MEDIAN * noise / width**0.5


# --- windows --------------------------------------------------------------------------------------


def _furthest(x: Floats, band: float) -> NDArray[np.int64]:
    """For each start the first record with which the window would leave a band of this height."""
    values, T = x.tolist(), len(x)
    found = np.empty(T, np.int64)
    highs: list[int] = []  # of the window, places of falling values; the first is the highest
    lows: list[int] = []
    first_high = first_low = stop = 0
    for start in range(T):
        while stop < T:
            value = values[stop]
            high = max(value, values[highs[first_high]] if first_high < len(highs) else value)
            low = min(value, values[lows[first_low]] if first_low < len(lows) else value)
            if high - low > band:
                break
            while len(highs) > first_high and values[highs[-1]] <= value:
                highs.pop()
            while len(lows) > first_low and values[lows[-1]] >= value:
                lows.pop()
            highs.append(stop)
            lows.append(stop)
            stop += 1
        found[start] = stop
        first_high += highs[first_high] == start
        first_low += lows[first_low] == start
    return found


def _windows(x: Floats, band: float, length: int) -> Windows:
    """The longest window, then the longest of what remains at its sides, … in order."""
    furthest = _furthest(x, band)
    found, waiting = [], [(0, len(x))]
    while waiting:
        low, high = waiting.pop()
        if high - low < length:
            continue
        lengths = np.minimum(furthest[low:high], high) - np.arange(low, high)
        k = int(np.argmax(lengths))
        if lengths[k] < length:
            continue
        start, stop = low + k, low + k + int(lengths[k])
        found.append((start, stop))
        waiting += [(low, start), (stop, high)]
    return sorted(found)


def _joined(x: Floats, windows: Windows, band: float, length: int) -> Windows:
    """Make one of neighbours at one level."""
    found: Windows = []
    for start, stop in windows:
        if found:
            before, end = found[-1]
            levels = np.median(x[before:end]), np.median(x[start:stop])
            if start - end <= _GAP * length and abs(levels[1] - levels[0]) <= band:
                found[-1] = (before, stop)
                continue
        found.append((start, stop))
    return found


def _end(x: Floats, start: int, stop: int, band: float) -> str:
    level = float(np.median(x[start:stop]))
    left = np.abs(x[stop:] - level) > band
    if not left.any():
        return "end"
    return "drop" if x[stop + int(np.argmax(left))] < level else "rise"


def _after(x: Floats, windows: Windows, levels: list[float]) -> Floats:
    """The level of the next plateau; after the last, of the last records."""
    if not windows:
        return np.zeros(0)
    return np.array([*levels[1:], float(np.median(x[-_FEWEST:]))])
