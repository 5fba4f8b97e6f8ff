"""Claims about the room `store`."""
