"""Write Troupe actors in Python: an actor is a dataclass, its state, with a method for each message."""

from .constraints import Length, Matches, Range
from .context import (
    About,
    Actor,
    Context,
    Did,
    EffectId,
    Http,
    Notice,
    Parent,
    Reply,
    Response,
    Sender,
    Supervision,
    Timer,
)
from .definition import actor, message
from .refused import Refused

__all__ = [
    "About",
    "Actor",
    "Context",
    "Did",
    "EffectId",
    "Http",
    "Length",
    "Matches",
    "Notice",
    "Parent",
    "Range",
    "Refused",
    "Reply",
    "Response",
    "Sender",
    "Supervision",
    "Timer",
    "actor",
    "message",
]
