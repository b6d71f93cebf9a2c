"""What a run tells while it works. Values; how they are shown is the street's business."""

import enum
from collections.abc import Callable

import msgspec


class Level(enum.IntEnum):
    """How much an event matters."""

    DEBUG = 10
    INFO = 20
    WARNING = 30
    ERROR = 40


class Event(msgspec.Struct, frozen=True):
    """One thing that happened. Never holds an object body."""

    step: str
    """`fetch`, `read`, `deliver`, `wait`, `status`, `run` or `poll`."""
    text: str
    level: Level = Level.INFO
    cluster: str = ""
    done: int = 0
    total: int = 0
    """Where this step has a known length: `done` of `total`."""


Tell = Callable[[Event], None]


def unheard(_: Event) -> None:
    """Tell nobody."""
