"""One checkpoint from several: the union of the blocks of one study."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack, closing

from saddlelab.studies.checkpoint import Checkpoint, CheckpointError

__all__ = ["merge_checkpoints"]

_PathLike = str | os.PathLike[str]


def merge_checkpoints(sources: Sequence[_PathLike], into: _PathLike) -> int:
    """Put the blocks of several checkpoints of one study into one; all or nothing.

    Blocks lie on a grid that belongs to the study, so a merge is a union.  A block that several
    files hold must have the same counts in all.

    Parameters
    ----------
    sources : sequence of path-like
        The checkpoints.  They are left as they are.
    into : path-like
        The file to make; if it exists, it must hold the same study and keeps its blocks.

    Returns
    -------
    int
        Number of blocks that `into` did not hold before.

    Raises
    ------
    CheckpointMismatchError
        If two files are of different studies; the message says what differs.
    CheckpointError
        If a file is missing or damaged, or two files disagree about a block.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from saddlelab.prevalence import prevalence
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     one, all_ = folder / "one.sqlite", folder / "all.sqlite"
    ...     study = prevalence("goe", 3, samples=200, rng=0, block_size=10, checkpoint=one)
    ...     print(merge_checkpoints([one], all_))
    20
    """
    if not sources:
        raise ValueError("`sources` must name at least one checkpoint, got none")
    for path in sources:
        require_file(path)
    with ExitStack() as stack:
        files = [stack.enter_context(closing(Checkpoint(path))) for path in sources]
        grids = [file.parts() for file in files]
        # Every source is compared with the first before a file is made.
        for file in files[1:]:
            file.begin_fields(files[0].fields or {})
        made = not os.path.exists(into)
        target = stack.enter_context(closing(Checkpoint(into)))
        target.begin_fields(files[0].fields or {})
        try:
            with target.transaction():
                return sum(
                    target.union(file, parts) for file, parts in zip(files, grids, strict=True)
                )
        except BaseException:
            if made:
                target.close()
                os.unlink(into)
            raise


def require_file(path: _PathLike) -> None:
    """Raise CheckpointError unless there is a file: opening would make one."""
    if not os.path.isfile(path):
        raise CheckpointError(f"there is no checkpoint {os.fspath(path)!r}")
