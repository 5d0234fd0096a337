"""Command lines in this process: what they complain of, and what they write."""

import csv
import json

import pytest

from saddlelab.cli import main


def ended(capsys, *args):
    """(exit status, the one line on stderr) of a command line that prints nothing."""
    try:
        status = main([str(arg) for arg in args])
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("saddlecore")
    return status, line


def complaint(capsys, *args):
    """The one line on stderr of a command line that is wrong, exit status 2."""
    status, line = ended(capsys, *args)
    assert status == 2
    return line


def strictly(text):
    """JSON as it is defined: without NaN and infinities."""
    return json.loads(text, parse_constant=pytest.fail)


def rows_of(path):
    """The rows of a CSV file, as dictionaries."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
