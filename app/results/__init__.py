"""What the studio reads of a study: arrays and tables, and the studies that ship."""
