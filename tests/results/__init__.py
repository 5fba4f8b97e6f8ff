"""Claims about the room `results`."""
