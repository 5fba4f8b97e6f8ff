"""Claims about the room `inputs`."""
