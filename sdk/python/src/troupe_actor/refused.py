"""The one exception that is not a mistake."""


class Refused(Exception):
    """What an actor says no with.

    Raised in `init`, `accept`, `check` or `migrate` it refuses, with its text as the reason; raised while a message is
    handled it is a failure, like any other exception, but is not logged as a mistake.
    """
