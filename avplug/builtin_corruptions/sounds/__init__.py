"""Backgrounds made without recordings, one module for each sound."""
