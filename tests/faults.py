"""Studies that run in processes of their own, to be killed there."""

import multiprocessing
import os
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from saddlelab.ensembles import Ensemble

#: Children of a server that has imported all this already: they are there in milliseconds.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["saddlelab.studies.run", "faults_warm", "faults"])


@dataclass(frozen=True)
class Slow(Ensemble):
    """Sample ``i`` has index i² mod (n + 1); a block takes some time, and is written to a log."""

    log: str
    seconds: float = 0.01
    name: ClassVar[str] = "slow"
    stream: ClassVar[int] = 1

    @property
    def parameters(self):
        """None that would make studies with other logs different ones."""
        return {}

    def index(self, key, n, first, count, counts):
        """Say what is being counted, take a while, count."""
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, f"{os.getpid()} {n} {first}\n".encode())
        os.close(file)
        time.sleep(self.seconds)
        counts += np.bincount(np.arange(first, first + count) ** 2 % (n + 1), minlength=n + 1)


def begun(log):
    """The blocks in a log, as (n, first sample)."""
    lines = log.read_text().splitlines() if log.exists() else []
    return [tuple(map(int, line.split()[1:])) for line in lines]


def workers(log):
    """The processes that have counted something."""
    lines = log.read_text().splitlines() if log.exists() else []
    return list(dict.fromkeys(int(line.split()[0]) for line in lines))


def wait_until(condition, seconds=120.0):
    """Wait until ``condition()`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def drive(dims, study, path, log):
    """A driver: runs the study on threads of its own."""
    from saddlelab.prevalence import prevalence

    prevalence(Slow(str(log)), dims, **study, checkpoint=path)


def drive_goe(dims, study, path, log):
    """A driver of the GOE, that writes to the log which blocks it begins."""
    from saddlelab.prevalence import prevalence
    from saddlelab.studies import blocks

    real, file = blocks.count_block, os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def count_block(ensemble, part, block):
        os.write(file, f"{os.getpid()} {part.n} {block}\n".encode())
        return real(ensemble, part, block)

    blocks.count_block = count_block
    prevalence("goe", dims, **study, checkpoint=path)
