"""Running studies: the engine, the process in the background, the queue, plans and progress."""
