"""Claims about the room `campaign`."""
