"""The words and the game of the page Method."""
