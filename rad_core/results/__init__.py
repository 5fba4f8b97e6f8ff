"""What a study shows: statistics, verdicts, labels needed, tables."""
