"""Claims about the room `study`."""
