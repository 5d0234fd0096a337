"""Slow, plain references: numpy, mpmath, fractions, and nothing of ours."""
