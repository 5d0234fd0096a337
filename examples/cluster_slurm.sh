#!/bin/bash
# A prevalence study under SLURM:   sbatch examples/cluster_slurm.sh
# What a job could not finish in its time, the next goes on with: submit it again.
#SBATCH --job-name=prevalence
#SBATCH --ntasks=65
#SBATCH --cpus-per-task=1
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

# Batch jobs run a copy of this file, but begin in the folder they were submitted from.
cd "${SLURM_SUBMIT_DIR:?is set by sbatch; to try this by hand: SLURM_SUBMIT_DIR=\$PWD SLURM_NTASKS=1}"
folder=${EXAMPLES:-examples}
python=${PYTHON:-python}

# Kernels compile once, into a folder that all nodes see, and not in every process by itself.
export NUMBA_CACHE_DIR=${NUMBA_CACHE_DIR:-$PWD/.numba}
# A task is one thread; threads of BLAS besides would wait for each other.
export OMP_NUM_THREADS=${SLURM_CPUS_PER_TASK:-1}

if ((${SLURM_NTASKS:?} > 1)); then
  # The driver is rank 0; --mpi=pmix where SLURM does not know it from its configuration.
  srun --ntasks="$SLURM_NTASKS" "$python" -m mpi4py.futures "$folder/cluster_mpi.py" "$@"
else
  "$python" "$folder/cluster_mpi.py" --here "$@"
fi
