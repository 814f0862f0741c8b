"""A channel that accepts no messages."""

import datetime as dt
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ChannelFailure:
    """A channel that has accepted no message since a failure.

    Args:
        channel: its name in alerting.yaml.
        since: when a message failed first.
        error: the newest error.
        waiting: how many messages wait, or were given up since then.
        has_critical: whether one of them is about an incident of severity critical.
    """

    channel: str
    since: dt.datetime
    error: str
    waiting: int = 0
    has_critical: bool = False
