"""Claims about the room `commands`."""
