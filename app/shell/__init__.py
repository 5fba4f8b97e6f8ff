"""What every page stands in: the frame, the blocks it is built of, the one state, shared controls."""
