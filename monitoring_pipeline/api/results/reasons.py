"""The reasons of verdicts as a summary lists them: each once, numbered if rows of a table refer to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitoring_pipeline.evaluation.judgement.verdict import decides, deciding_reasons
from monitoring_pipeline.records.measurement import Measurement, Severity, Status, Verdict

if TYPE_CHECKING:
    from monitoring_pipeline.api.results.result import MeasuredChunk

REASONS_SHOWN, SUBJECTS_SHOWN = 12, 4


@dataclass(frozen=True, kw_only=True)
class Reasons:
    """The reasons of some chunks.

    Args:
        shown: those that are listed, one line each.
        more: the number of those that are not.
        informational: the findings that decide nothing, in one line; empty without any.
        numbers: by the key of a chunk whose verdict is not ok, the places of its reasons in ``shown``, from 1.
        is_numbered: whether the lines have numbers.
    """

    shown: tuple[str, ...] = ()
    more: int = 0
    informational: str = ""
    numbers: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    is_numbered: bool = False

    def of_chunk(self, key: str) -> str:
        """Return the numbers of a chunk's reasons, such as ``1, 3-5``; nothing if its verdict is ok."""
        runs: list[list[int]] = []
        for number in self.numbers.get(key, ()):
            if runs and runs[-1][-1] == number - 1:
                runs[-1].append(number)
            else:
                runs.append([number])
        return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def all_reasons(verdict: Verdict) -> tuple[str, ...]:
    """Return the reasons of a verdict; one that is not ok has at least one that decides."""
    missing = [reason for reason in deciding_reasons(verdict) if reason not in verdict.reasons]
    return (*missing, *verdict.reasons)


def listed_reasons(chunks: "Sequence[MeasuredChunk]", *, rows_shown: int) -> Reasons:
    """Return the reasons of chunks for a summary.

    A reason of several chunks stands once. Every chunk that the table shows and whose verdict is not ok has its most
    severe reason among those that are listed; others follow as far as there is room.

    Args:
        chunks: the chunks; one without a key if the rows are not divided.
        rows_shown: the number of chunks that the table shows.
    """
    keys: dict[str, list[str]] = {}
    for chunk in chunks:
        for reason in filter(decides, all_reasons(chunk.verdict)):
            keys.setdefault(reason, []).append(chunk.key)
    needed = {reasons[0] for chunk in chunks[:rows_shown] if (reasons := deciding_reasons(chunk.verdict))}
    room = max(REASONS_SHOWN - len(needed), 0)
    others = [reason for reason in keys if reason not in needed]
    chosen = [reason for reason in keys if reason in needed or reason in others[:room]]
    is_numbered = any(chunk.key for chunk in chunks)
    return Reasons(
        shown=tuple(f"{_keys(keys[reason])}: {reason}" if is_numbered else reason for reason in chosen),
        more=len(keys) - len(chosen),
        informational=_informational(m for chunk in chunks for m in chunk.measurements),
        numbers={
            chunk.key: tuple(chosen.index(reason) + 1 for reason in deciding_reasons(chunk.verdict) if reason in chosen)
            for chunk in chunks
        },
        is_numbered=is_numbered,
    )


def _informational(measurements: Iterable[Measurement]) -> str:
    """Return the number of the findings of severity info, and what they are about."""
    subjects: dict[str, dict[str, None]] = {}
    count = 0
    for m in measurements:
        if m.status is Status.BREACHED and m.severity is Severity.INFO:
            subjects.setdefault(m.name, {})[m.subject] = None
            count += 1
    if not count:
        return ""
    about = "; ".join(f"{name} of {_some(list(of))}" for name, of in subjects.items())
    return f"{count} {'finding' if count == 1 else 'findings'} for information ({about}) in .informational"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SUBJECTS_SHOWN]) + (", ..." if len(names) > SUBJECTS_SHOWN else "")


def _keys(keys: Sequence[str]) -> str:
    return keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}, {len(keys)} times"
