"""Claims about the room `selection`."""
