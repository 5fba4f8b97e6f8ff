"""Claims about the room `views`."""
