"""What other people's files and arrays hold, read in one way for the command line, the library and the studio."""
