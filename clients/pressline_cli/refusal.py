"""The one way in which a command says no."""


class RefusalError(Exception):
    """A command cannot do what it was asked; the text is for the user. Ends with exit code 1."""
