"""Data sets that were corrupted before: evaluated as they lie on disk."""
