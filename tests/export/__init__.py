"""Claims about the room `export`."""
