"""Data sets, networks, training and teachers."""
