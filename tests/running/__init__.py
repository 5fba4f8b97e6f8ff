"""Claims about the room `running`."""
