"""Which points to buy: arrays in, arrays out."""
