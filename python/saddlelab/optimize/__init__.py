"""Optimizers in compiled batches: thousands of starts side by side."""
