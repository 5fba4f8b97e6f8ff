"""A study told to people who decide."""
