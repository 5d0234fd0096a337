"""A prevalence study on MPI, kept in a checkpoint.

    mpiexec -n 65 python -m mpi4py.futures examples/cluster_mpi.py    # 64 workers and the driver

Rank 0 drives and the others count.  `--here` runs the same study on the threads of this machine,
without MPI: the same counts, since they depend on the seed alone.  A job that was ended by its time
limit goes on when it is submitted again.
"""

import argparse

from saddlelab import prevalence


def main(argv=None):
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description="A prevalence study on MPI.")
    parser.add_argument("--samples", type=int, default=1_000_000, help="Hessians per dimension")
    parser.add_argument("--most", type=int, default=20, help="largest dimension (default: 20)")
    parser.add_argument("--checkpoint", default="goe.sqlite", help="default: goe.sqlite")
    parser.add_argument("--here", action="store_true", help="threads of this machine, no MPI")
    args = parser.parse_args(argv)
    dims = range(1, args.most + 1)
    study = {"samples": args.samples, "rng": 0, "checkpoint": args.checkpoint}
    if args.here:
        print(prevalence("goe", dims, **study).table())
        return
    try:
        from mpi4py.futures import MPIPoolExecutor
    except ImportError:
        raise SystemExit("this job needs mpi4py: pip install 'saddlecore[mpi]'") from None
    with MPIPoolExecutor() as executor:
        print(prevalence("goe", dims, executor=executor, **study).table())


# The other ranks import this file: what is not under this line would run in each of them.
if __name__ == "__main__":
    main()
