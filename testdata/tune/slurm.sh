#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A study as Slurm arrays, one for each rung, which begins when the one before is done:
#   slurm.sh STUDY [FLAGS OF unroll tune]...
# STUDY and the data must be in folders that all nodes see, and unroll in the PATH of all. A
# trial that failed, or was preempted, goes on where it was: submit again.
set -euo pipefail
study=$1
shift
mkdir -p "$study/logs"
after=()
while read -r first last; do
  job=$(sbatch --parsable --job-name=tune --array="$first-$last" "${after[@]}" \
    --cpus-per-task="${CPUS:-1}" --requeue --output="$study/logs/%a.log" \
    --wrap="exec unroll tune --study '$study' --trial \$SLURM_ARRAY_TASK_ID")
  echo "trials $first to $last: job $job"
  after=(--dependency="afterok:$job" --kill-on-invalid-dep=yes)
done < <(unroll tune --study "$study" "$@" --plan | awk '/^rung / {sub(",", "", $6); print $4, $6}')
