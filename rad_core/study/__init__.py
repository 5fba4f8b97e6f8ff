"""Experiments: configuration, loop, store and summaries."""
