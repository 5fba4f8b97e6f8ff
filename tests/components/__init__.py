"""Claims about the room `components`."""
