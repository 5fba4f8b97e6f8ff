"""The list of studies, the form of a new one, their progress and comparison."""
