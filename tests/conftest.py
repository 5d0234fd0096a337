"""Hypothesis profiles: HYPOTHESIS_PROFILE picks one; else `ci` where CI is set, else `dev`."""

import os
import sys

if "PYTEST_XDIST_WORKER" in os.environ:
    # A worker for each core: threads of BLAS besides would mostly wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

slow_is_fine = [HealthCheck.too_slow, HealthCheck.data_too_large]
for name, examples in [("dev", 50), ("ci", 200), ("nightly", 5000)]:
    settings.register_profile(
        name, max_examples=examples, deadline=None, suppress_health_check=slow_is_fine
    )
# The same examples on every machine: a failure in CI is a failure here.
settings.register_profile("ci", settings.get_profile("ci"), derandomize=True)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)


@pytest.fixture
def record_property(record_property):
    """Take NumPy's numbers too: workers cannot send them."""
    return lambda name, value: record_property(
        name, value.item() if isinstance(value, np.generic) else value
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder, and the list of modules as it was."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded with `record_property` (counts of certified, withheld, …)."""
    reports = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and report.user_properties
    ]
    if reports:
        terminalreporter.section("measured")
    for report in reports:
        values = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        terminalreporter.write_line(f"{report.nodeid}: {values}")
