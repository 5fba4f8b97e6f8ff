"""What several tests are made with; no test in here."""
