"""Runs: configuration, plan, evaluation, executors and store."""
