"""Optimizers: many starts at once, each with a verdict on where it ended."""
