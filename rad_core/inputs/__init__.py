"""What other people's files and arrays hold, read in one way for the command line, the library and the studio.

Tables that are written for other programs stand here, too: they are read again by the same rules.
"""
