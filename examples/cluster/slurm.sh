#!/bin/sh
# A list in 16 shares on Slurm, each a task of an array:
#
#   sbatch slurm.sh /shared/feeds.txt
#
# The URL of the store is in ~/.trioscrape-store, which only you can read (chmod 600). To run a share once more:
#   sbatch --array=6 slurm.sh /shared/feeds.txt
#
# To change: the number of shares, in two places; a smaller number at once is --array=0-15%4.
#SBATCH --job-name=trioscrape
#SBATCH --array=0-15
#SBATCH --output=trioscrape-%A-%a.jsonl
#SBATCH --error=trioscrape-%A-%a.log
# A core for the main process and one for its parser, see README.md; more make a share no faster.
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=1G
#SBATCH --time=02:00:00
# 60 s before the time is up: no feed is started any more. The next run fetches what is left.
#SBATCH --signal=B:TERM@60
# After the failure of a node, the share is run again: nothing is stored twice.
#SBATCH --requeue
shares=16

TRIOSCRAPE_STORE=$(cat "$HOME/.trioscrape-store") || exit 2
export TRIOSCRAPE_STORE
# `exec` has the signals reach trioscrape. --wait-for-store: a run whose node was lost holds its share for a minute.
exec trioscrape "$1" --shard $((SLURM_ARRAY_TASK_ID + 1))/$shares --parse-width 1 --wait-for-store 2m --json
