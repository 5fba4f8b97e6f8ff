"""Claims about the room `figures`."""
