"""Claims about the room `learning`."""
