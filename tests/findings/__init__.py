"""Claims about the room `findings`."""
