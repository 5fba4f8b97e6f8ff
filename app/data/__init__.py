"""Somebody's own scores: files, choice, answer."""
