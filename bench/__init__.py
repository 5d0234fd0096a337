"""Benchmarks beside the peers, in one run: ``python -m bench`` from the repository root."""
