"""``saddlecore prevalence``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from saddlelab import cli_arguments as read
from saddlelab import cli_functions
from saddlelab.cli_pictures import picture
from saddlelab.ensembles import Ensemble, get_ensemble, names

if TYPE_CHECKING:
    from saddlelab.laws import IndexLaw
    from saddlelab.studies.result import PrevalenceStudy

_TABLE_ROWS = 30


def add_parser(commands: Any) -> None:
    """Add the command to those of the parser."""
    text = "count how common minima, saddles and maxima are among random Hessians"
    parser = commands.add_parser(
        "prevalence",
        help=text,
        description=text,
        example="saddlecore prevalence goe --dims 1:100 --samples 1000000 --seed 0",
    )
    parser.add_argument(
        "ensemble",
        help=f"law of the Hessians: {', '.join(names())}; or module:function, a sampler of your "
        "own: sample(stream, out) or sample(rng, n, count)",
    )
    read.add_parameters(parser, "wishart --param ratio=0.5 --param shift=0.2")
    parser.add_argument(
        "--dims",
        type=read.dimensions,
        required=True,
        metavar="A:B",
        help="dimensions: 1:100 includes 100; 10:100:10 has a step; 2,5,9 is a list",
    )
    parser.add_argument(
        "--samples", type=read.whole, required=True, metavar="N", help="Hessians per dimension"
    )
    parser.add_argument(
        "--seed", type=read.seed, metavar="S", help="same seed, same counts (default: a new one)"
    )
    parser.add_argument(
        "--nested",
        action="store_true",
        help="one sample of the largest dimension serves all; dimensions are then correlated",
    )
    parser.add_argument(
        "--workers", type=read.whole, metavar="W", help="threads (default: all cores)"
    )
    parser.add_argument(
        "--checkpoint", type=read.output, metavar="FILE", help="keep finished blocks, and resume"
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="run on a Dask cluster, tcp://host:8786, or on one made here for the run: local",
    )
    parser.add_argument("--csv", type=read.output, metavar="FILE", help="write the table as CSV")
    parser.add_argument("--npz", type=read.output, metavar="FILE", help="write all as NumPy's .npz")
    parser.add_argument("--plot", type=read.picture, metavar="FILE", help="write the picture")
    parser.add_argument(
        "--exact", action="store_true", help="draw the exact laws beside the counts"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.set_defaults(action=_run)


def _run(args: argparse.Namespace) -> None:
    from saddlelab.prevalence import prevalence

    # Before a cluster is started, whose processes look for modules where this one does.
    law = _ensemble(args)
    laws = _laws(args, law)
    with _executor(args) as executor, cli_functions.own_errors():
        study = prevalence(
            law,
            args.dims,
            samples=args.samples,
            rng=args.seed,
            nested=args.nested,
            workers=args.workers,
            executor=executor,
            checkpoint=args.checkpoint,
            progress=True,
        )
    # The files first: whatever becomes of the terminal, the work is kept.
    if args.csv is not None:
        study.to_csv(args.csv)
    if args.npz is not None:
        study.to_npz(args.npz)
    if args.plot is not None:
        from saddlelab.plots import prevalence_figure

        with picture(args.plot, 11.0) as figure:
            prevalence_figure(study, figure=figure, laws=laws)
    if args.json:
        print(study.to_json())
    else:
        print(_heading(study))
        print(study.table(max_rows=_TABLE_ROWS))


def _ensemble(args: argparse.Namespace) -> Ensemble:
    parameters = read.together(args.param)
    if ":" not in args.ensemble:
        return get_ensemble(args.ensemble, **parameters)
    return get_ensemble(cli_functions.named(args.ensemble), **parameters)


def _laws(args: argparse.Namespace, law: Ensemble) -> dict[int, IndexLaw] | None:
    """The exact laws to draw; where none is known that is said before anything is counted."""
    if not args.exact or args.plot is None:
        return None
    from saddlelab.laws import index_laws

    return index_laws(law, args.dims)


@contextmanager
def _executor(args: argparse.Namespace) -> Iterator[Executor | None]:
    if args.dask is None:
        yield None
        return
    from saddlelab.studies.dask import dask_executor, require_module

    with dask_executor(args.dask, args.workers) as executor:
        module, colon, _ = args.ensemble.partition(":")
        if colon:
            require_module(executor, module)
        yield executor


def _heading(study: PrevalenceStudy) -> str:
    nested = ", nested" if study.nested else ""
    return f"{study.ensemble}{nested}, {study.samples} samples, seed {study.seed}, 95 % intervals"
