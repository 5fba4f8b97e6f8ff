"""The one exception that means: the input was wrong, and here is what to do about it."""


class InputError(ValueError):
    """Bad input, told in one sentence: what came, what was wanted, what to do.

    The command line prints it and exits with code 2; the studio shows it. It never hides a defect of the program
    itself, which keeps its own traceback.
    """
