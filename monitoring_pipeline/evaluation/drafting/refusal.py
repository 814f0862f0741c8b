"""The error of a source of which no spec can be drafted."""


class CannotDraftError(ValueError):
    """No spec can be drafted; the message is a question to the user, or names what is missing."""
