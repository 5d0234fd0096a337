"""``saddlecore warmup``, after the tests of what it compiles: little is left for it to do."""

import subprocess
import sys


def test_warmup_compiles_everything_once():
    result = subprocess.run(
        [sys.executable, "-m", "saddlelab", "warmup"], capture_output=True, text=True, check=False,
        timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    names = [step.split(":")[0] for step in result.stdout.splitlines()]
    assert names[0] == "prevalence"
    assert names[-1] == "all compiled"
    assert {"exact laws", "classify", "derivatives", "critical points"} < set(names)
