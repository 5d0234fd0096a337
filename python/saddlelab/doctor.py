"""What this machine offers: versions, CPU, vector math, threads, cache."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from saddlelab.arguments import worker_count

__all__ = ["doctor", "version_of"]

_PACKAGES = ("saddlecore", "numpy", "numba", "llvmlite", "scipy", "matplotlib", "tqdm")
# What the kernels profit from; a CPU lists some hundred features.
_FEATURES = ("avx512f", "avx512dq", "avx2", "fma", "avx", "sse4.2", "neon", "sve")


def version_of(package: str) -> str:
    """Return the version of an installed distribution, or "not installed"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def doctor() -> dict[str, str]:
    """Return what a bug report should say, as label and text."""
    versions = ", ".join(f"{package} {version_of(package)}" for package in _PACKAGES)
    return {
        "versions": versions,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        **_cpu(),
        **_engine(),
        "threads": f"{worker_count(None)} usable of {os.cpu_count()}",
    }


def _cpu() -> dict[str, str]:
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return {
        "cpu": binding.get_host_cpu_name(),
        "cpu features": ", ".join(name for name in _FEATURES if features.get(name)) or "none known",
    }


def _engine() -> dict[str, str]:
    from saddlecore.hermite import hermite_index
    from saddlecore.lanes import native_width
    from saddlecore.vecmath import libmvec_path

    return {
        "native lanes": f"{native_width()} × float64",
        "libmvec": libmvec_path() or "not found (scalar math instead, slower for your functions)",
        "cache folder": str(hermite_index.stats.cache_path),
    }
