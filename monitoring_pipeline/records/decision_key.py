"""The key by which a decision happens once, and the keys of the decisions that follow from it."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Step(Enum):
    """How one decision follows from another."""

    GATE = "the gate's answer on a challenger"
    ROLL_OUT = "the end of a retraining, whichever it is"
    ASKED = "a training that was asked for elsewhere"
    FAILURE = "an error that ended a run"
    TRIAL = "an answer about a trial"
    DONE = "the action that an answer about a trial asks for"


_ENDINGS: Mapping[Step, re.Pattern[str]] = {
    Step.GATE: re.compile(r":gate\Z"),
    Step.ROLL_OUT: re.compile(r":roll_out\Z"),
    Step.ASKED: re.compile(r":asked\Z"),
    Step.FAILURE: re.compile(r":failed:[0-9a-f]{8}\Z"),
    Step.TRIAL: re.compile(r":(?:shadow|probation):(?:promote|refuse|roll_back|passed|ended)\Z"),
    Step.DONE: re.compile(r":done\Z"),
}


@dataclass(frozen=True)
class DecisionKey:
    """The key of a decision: its text is that of the key that it follows from, with an ending for the step.

    Keys are compared as a whole and read from their end only, so that a version or name with a colon in it is
    never mistaken for a step.
    """

    text: str

    def __str__(self) -> str:
        """Return the text, as it is stored."""
        return self.text

    @classmethod
    def of_retraining(cls, chunk: str, answer: str) -> "DecisionKey":
        """Return the key of the answer whether to retrain, given on a chunk."""
        return cls(f"retraining:{chunk}:{answer}")

    @classmethod
    def of_outside_challenger(cls, version: str) -> "DecisionKey":
        """Return the key of a challenger that no decision asked for."""
        return cls(f"outside:{version}")

    @classmethod
    def of_command(cls, action: str, at: dt.datetime) -> "DecisionKey":
        """Return the key of an action on versions that a person commands."""
        return cls(f"{action}:{at.isoformat()}")

    @classmethod
    def of_handling(cls, topic: str, incident_id: str, at: dt.datetime) -> "DecisionKey":
        """Return the key of a person's action on an incident."""
        return cls(f"{topic}:{incident_id}:{at.isoformat()}")

    def gate(self) -> "DecisionKey":
        """Return the key of the gate's answer in a retraining."""
        return self._followed_by("gate")

    def roll_out(self) -> "DecisionKey":
        """Return the key of the decision that ends a retraining, whichever it is."""
        return self._followed_by("roll_out")

    def asked(self) -> "DecisionKey":
        """Return the key of the record that the training was asked for elsewhere."""
        return self._followed_by("asked")

    def failure(self, reason: str) -> "DecisionKey":
        """Return the key of an error that ended a run for this decision; equal reasons have the same key."""
        return self._followed_by(f"failed:{hashlib.sha256(reason.encode()).hexdigest()[:8]}")

    def trial_answer(self, stage: str, answer: str) -> "DecisionKey":
        """Return the key of an answer about the trial that this decision began."""
        return self._followed_by(f"{stage}:{answer}")

    def done(self) -> "DecisionKey":
        """Return the key of the action that this answer about a trial asks for."""
        return self._followed_by("done")

    def origin(self, step: Step) -> "DecisionKey | None":
        """Return the key that this one follows from by a step; None if its ending is that of another step."""
        ending = _ENDINGS[step].search(self.text)
        return DecisionKey(self.text[: ending.start()]) if ending else None

    def _followed_by(self, ending: str) -> "DecisionKey":
        return DecisionKey(f"{self.text}:{ending}")
