"""The Budget lab: what another budget or another teacher would mean."""
