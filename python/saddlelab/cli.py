"""The command ``saddlecore``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from saddlelab import (
    cli_classify,
    cli_compare,
    cli_critical,
    cli_escape,
    cli_gallery,
    cli_minimize,
    cli_network,
    cli_plateaus,
    cli_prevalence,
    cli_prevalence_of,
    cli_rare,
    cli_saturation,
    cli_slice,
    cli_study,
)
from saddlelab.cli_arguments import OneLineParser, joined

__all__ = ["main"]

# Exit statuses: 2 for what the person can put right on the command line, 1 for faults at run
# time, 130 (as shells have it) after Ctrl-C.
_USAGE, _FAULT, _INTERRUPTED = 2, 1, 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    from saddlelab.doctor import version_of

    parser = OneLineParser(
        prog="saddlecore",
        example="saddlecore prevalence goe --dims 1:100 --samples 10000",
        description="What kind of critical point, and how common is each kind.",
    )
    parser.add_argument(
        "--version", action="version", version=f"saddlecore {version_of('saddlecore')}"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    cli_prevalence.add_parser(commands)
    cli_rare.add_parser(commands)
    cli_study.add_parser(commands)
    cli_classify.add_parser(commands)
    cli_critical.add_parser(commands)
    cli_prevalence_of.add_parser(commands)
    cli_minimize.add_parser(commands)
    cli_escape.add_parser(commands)
    cli_compare.add_parser(commands)
    cli_network.add_parser(commands)
    cli_plateaus.add_parser(commands)
    cli_slice.add_parser(commands)
    cli_saturation.add_parser(commands)
    cli_gallery.add_parser(commands)
    for name, action, text in (
        ("warmup", _warmup, "compile everything into the disk cache, once per installation"),
        ("doctor", _doctor, "versions, CPU features, vector math, threads, cache folder"),
    ):
        command = commands.add_parser(
            name, help=text, description=text, example=f"saddlecore {name}"
        )
        command.set_defaults(action=action)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    args = build_parser().parse_args(joined(sys.argv[1:] if argv is None else argv))
    try:
        args.action(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _complain(_interrupted(args), _INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAULT
    except (ValueError, TypeError, FileNotFoundError) as error:
        return _complain(f"error: {error}", _USAGE)
    except (RuntimeError, OSError, MemoryError) as error:
        return _complain(f"error: {error or type(error).__name__}", _FAULT)
    return 0


def _complain(message: str, status: int) -> int:
    print(f"saddlecore: {' '.join(message.split())}", file=sys.stderr)
    return status


def _interrupted(args: argparse.Namespace) -> str:
    path: Path | None = getattr(args, "checkpoint", None)
    if args.command != "prevalence":
        return "interrupted"
    if path is None:
        return "interrupted, nothing kept; with --checkpoint run.sqlite it could go on"
    return f"interrupted; run the same command again to go on from {path}"


def _warmup(args: argparse.Namespace) -> None:
    from saddlelab.warmup import warmup

    print(f"all compiled: {warmup(report=print):.1f} s")


def _doctor(args: argparse.Namespace) -> None:
    from saddlelab.doctor import doctor

    for label, text in doctor().items():
        print(f"{label + ':':14} {text}")
