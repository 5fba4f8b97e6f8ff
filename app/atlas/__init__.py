"""The map of a pool and what is told of its points."""
