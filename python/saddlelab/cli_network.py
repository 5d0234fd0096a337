"""``saddlecore network``: a network's critical points or its training, and studies of networks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import (
    cli_network_critical,
    cli_network_depth,
    cli_network_spread,
    cli_network_train,
)

if TYPE_CHECKING:
    from saddlelab.datasets import Dataset
    from saddlelab.networks import MLP

#: Data by name, with the number of hidden units that they get by default.
_DATA = {"digits": 10, "gaussian_blobs": 4, "two_spirals": 16}


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "critical points of a network's loss, its training, and studies of networks"
    example = "saddlecore network digits --pca 16 --hidden 8 --critical --plot index.png"
    parser = commands.add_parser("network", help=text, description=text, example=example)
    subjects = parser.add_subparsers(dest="subject", metavar="DATA|STUDY", required=True)
    for name, units in _DATA.items():
        _add_data(subjects, name, units)
    cli_network_spread.add_parser(subjects)
    cli_network_depth.add_parser(subjects)


def _add_data(subjects: Any, name: str, units: int) -> None:
    text = f"a network on {name}: --critical or --train METHOD"
    parser = subjects.add_parser(
        name,
        help=text,
        description=text,
        example=f"saddlecore network {name} --train adam --epochs 50 --plot training.png",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--critical", action="store_true", help="find critical points of the loss")
    what.add_argument("--train", metavar="METHOD", help="train by a method of minimize, as adam")
    parser.add_argument(
        "--hidden", type=_units, default=[units], metavar="H,…",
        help=f"units of the hidden layers (default: {units})",
    )  # fmt: skip
    parser.add_argument("--activation", default="tanh", help="of hidden layers (default: tanh)")
    parser.add_argument(
        "--weight-decay", type=read.number, metavar="R",
        help="½ R |θ|² is added to the loss (default: 0.01 for --critical, else 0)",
    )  # fmt: skip
    if name == "digits":
        parser.add_argument(
            "--pca", type=read.seed, metavar="K",
            help="keep K principal components of the pixels; 0 keeps the pixels "
            f"(default: {cli_network_critical.COMPONENTS} for --critical, else 0)",
        )  # fmt: skip
    parser.add_argument(
        "--seed", type=read.seed, default=0, metavar="S", help="same seed, same bits (default: 0)"
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write the records as CSV")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    cli_network_critical.add_options(parser)
    cli_network_train.add_options(parser)
    parser.set_defaults(action=_run)


def _units(text: str) -> list[int]:
    return [read.whole(piece) for piece in text.split(",")]


def _run(args: argparse.Namespace) -> None:
    what = cli_network_critical if args.critical else cli_network_train
    if args.weight_decay is None:
        args.weight_decay = what.WEIGHT_DECAY
    data = _data(args)
    what.run(args, _network(args, data), data)


def _data(args: argparse.Namespace) -> Dataset:
    from saddlelab import datasets

    if args.subject == "digits":
        if args.pca is None:
            args.pca = cli_network_critical.COMPONENTS if args.critical else 0
        return datasets.digits(components=args.pca or None, standardize=args.pca > 0)
    make: Any = getattr(datasets, args.subject)
    found: Dataset = make(rng=args.seed)
    return found


def _network(args: argparse.Namespace, data: Dataset) -> MLP:
    from saddlelab.networks import MLP

    sizes = [data.X.shape[1], *args.hidden, data.classes or data.y.shape[1]]
    return MLP(
        sizes, activation=args.activation, weight_decay=args.weight_decay,
        loss="cross_entropy" if data.classes else "squared_error",
    )  # fmt: skip
