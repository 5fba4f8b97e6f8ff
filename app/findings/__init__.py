"""What may be said of results, as plain values and sentences."""
