"""Another package's compiled loop, with this engine inside: the index along a walk.

Overdamped Langevin dynamics of a chain of N double wells,

    E(x) = Σ (xᵢ² − 1)²/4 + k/2 Σ (xᵢ₊₁ − xᵢ)²,    dx = −∇E dt + √(2T dt) ξ,

in which every step asks for the certified index of the Hessians of all walkers: how many directions
are unstable there.  No Python runs between the first step and the last.

Two kinds of functions of `saddlecore` can be called from `@njit` code: kernels, which take arrays
and are linked in as they lie in the disk cache (`inertia_small`), and device functions, which are
compiled into their caller (`philox2x64`, `normal_pair`).

    python examples/embed_njit.py
"""

import math

import numpy as np
from numba import njit

from saddlecore.inertia import inertia_small
from saddlecore.philox import philox2x64
from saddlecore.streams import normal_pair


@njit
def hessian(x, stiffness, H):
    """The Hessian of E at x."""
    n = len(x)
    H[:] = 0.0
    for i in range(n):
        springs = (i > 0) + (i < n - 1)
        H[i, i] = 3.0 * x[i] * x[i] - 1.0 + springs * stiffness
        if i > 0:
            H[i, i - 1] = H[i - 1, i] = -stiffness


@njit
def move(x, stiffness, temperature, dt, seed, walker, step):
    """One step of Euler and Maruyama; the noise is a function of (seed, walker, step, i)."""
    n, left = len(x), 0.0  # `left` is the force of the spring on the left, before the step
    for i in range(n):
        right = stiffness * (x[i + 1] - x[i]) if i < n - 1 else 0.0
        zero = np.uint64(0)  # counters and keys are words below 2³², held in uint64
        A, B = philox2x64(np.uint64(walker), np.uint64(step), np.uint64(i), zero, seed, zero)
        noise, _ = normal_pair(A, B)
        force = x[i] - x[i] ** 3 + right - left
        x[i] += dt * force + math.sqrt(2.0 * temperature * dt) * noise
        left = right


@njit
def walk(x, steps, stiffness, temperature, dt, seed):
    """Move the walkers x, (walkers, n); return how often each index was met, and certificates."""
    m, n = x.shape
    H, seen, certificates = np.empty((m, n, n)), np.zeros(n + 1, np.int64), 0
    usual, exact = np.full(1, -1.0), np.zeros(1)  # the usual tolerance, Hessians without error
    negative, zero, positive = np.zeros((3, m), np.int64)
    certified, tol, status = np.zeros(m, np.bool_), np.zeros(m), np.zeros(m, np.int64)
    for step in range(steps):
        for walker in range(m):
            move(x[walker], stiffness, temperature, dt, np.uint64(seed), walker, step)
            hessian(x[walker], stiffness, H[walker])
        zero[:] = 0  # the kernel writes these two only where they are not 0
        status[:] = 0
        inertia_small(H, usual, exact, negative, zero, positive, certified, tol, status)
        for walker in range(m):
            if certified[walker]:
                certificates += 1
                seen[negative[walker]] += 1
    return seen, certificates


def main():
    """Walk from the saddle x = 0 and print what was met on the way."""
    walkers, n, steps = 256, 8, 1000
    x = np.zeros((walkers, n))
    seen, certificates = walk(x, steps, stiffness=0.5, temperature=0.1, dt=0.01, seed=0)
    print(f"{certificates} of {walkers * steps} Hessians certified")
    print("index   share of the walk")
    for index in np.flatnonzero(seen):
        print(f"{index:5}   {seen[index] / certificates:.4f}")


if __name__ == "__main__":
    main()
