"""A prevalence study on a Dask cluster, kept in a checkpoint.

    python examples/cluster_dask.py                                  # a cluster made here
    python examples/cluster_dask.py --scheduler tcp://host:8786      # one that runs elsewhere

Kill it at any time and run the same command again: it goes on from the file, and the counts are the
bits of an unbroken run.  Workers that die are replaced and their tasks sent again.  The same
saddlecore must be installed wherever workers run.
"""

import argparse
from contextlib import ExitStack

from saddlelab import prevalence


def main(argv=None):
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description="A prevalence study on a Dask cluster.")
    parser.add_argument("--scheduler", help="tcp://host:8786 (default: a cluster made here)")
    parser.add_argument("--workers", type=int, default=2, help="processes of that (default: 2)")
    parser.add_argument("--samples", type=int, default=1_000_000, help="Hessians per dimension")
    parser.add_argument("--most", type=int, default=20, help="largest dimension (default: 20)")
    parser.add_argument("--checkpoint", default="goe.sqlite", help="default: goe.sqlite")
    args = parser.parse_args(argv)
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise SystemExit("this job needs Dask: pip install 'saddlecore[dask]'") from None
    with ExitStack() as stack:
        at = args.scheduler or stack.enter_context(
            # Processes, not threads: a crash then takes one worker and not the job.
            LocalCluster(n_workers=args.workers, threads_per_worker=1, dashboard_address=None)
        )
        client = stack.enter_context(Client(at))
        study = prevalence(
            "goe", range(1, args.most + 1), samples=args.samples, rng=0,
            executor=client.get_executor(), checkpoint=args.checkpoint,
        )  # fmt: skip
    print(study.table())


# Worker processes import this file: what is not under this line would run in each of them.
if __name__ == "__main__":
    main()
