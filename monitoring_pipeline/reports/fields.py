"""The fields of the records that commands print for programs, and their meanings."""

from collections.abc import Mapping

from monitoring_pipeline.reports.terminal.compared_sides import COMPARED_FIELDS
from monitoring_pipeline.reports.terminal.doctor import DOCTOR_FIELDS
from monitoring_pipeline.reports.terminal.explanations import ROW_FIELDS, SPLIT_FIELDS
from monitoring_pipeline.reports.terminal.findings import FINDING_FIELDS as SPEC_FINDING_FIELDS
from monitoring_pipeline.reports.terminal.incidents import (
    DECISION_FIELDS,
    EVENT_FIELDS,
    FINDING_FIELDS,
    GATE_FIELDS,
    INCIDENT_FIELDS,
    PAGE_FIELDS,
)
from monitoring_pipeline.reports.terminal.references import REFERENCE_FIELDS
from monitoring_pipeline.reports.terminal.rehearsal import MONTH_FIELDS
from monitoring_pipeline.reports.terminal.results import CHUNK_FIELDS, PERFORMANCE_FIELDS, PERIOD_FIELDS, SUM_FIELDS
from monitoring_pipeline.reports.terminal.retention import RETENTION_FIELDS
from monitoring_pipeline.reports.terminal.review import FLOOR_FIELDS, REVIEW_FIELDS
from monitoring_pipeline.reports.terminal.rule_check import RULE_FIELDS
from monitoring_pipeline.reports.terminal.segments import SEGMENT_FIELDS
from monitoring_pipeline.reports.terminal.spec_history import SPEC_HISTORY_FIELDS
from monitoring_pipeline.reports.terminal.weak_segments import WEAK_SEGMENT_FIELDS

Fields = tuple[str, ...]
FIELDS: Mapping[str, Mapping[str, Fields]] = {
    "backfill": {"": CHUNK_FIELDS},
    "show": {"": CHUNK_FIELDS, "with `--by` a longer period": PERIOD_FIELDS},
    "segments": {"": SEGMENT_FIELDS, "with `--weak`": WEAK_SEGMENT_FIELDS},
    "compare": {"": COMPARED_FIELDS},
    "performance": {"": PERFORMANCE_FIELDS, "with `--sums`": SUM_FIELDS},
    "replay": {"": RULE_FIELDS},
    "review": {"": REVIEW_FIELDS, "with `--suggest` also": FLOOR_FIELDS},
    "reference rebuild": {"": REFERENCE_FIELDS},
    "rehearse": {
        "`months`": MONTH_FIELDS,
        "`pages`": ("chunk", "event", "channel", "summary"),
        "`incidents`": INCIDENT_FIELDS,
        "`decisions`": DECISION_FIELDS,
    },
    "doctor": {"": DOCTOR_FIELDS},
    "retain": {"": RETENTION_FIELDS},
    "spec history": {"": SPEC_HISTORY_FIELDS},
    "explain": {"": SPLIT_FIELDS, "with `--row`": ROW_FIELDS},
    "incidents": {"": INCIDENT_FIELDS},
    "incidents show": {"`incident`": PAGE_FIELDS, "`findings`": FINDING_FIELDS, "`events`": EVENT_FIELDS},
    "decisions": {"": DECISION_FIELDS},
    "evaluate": {"": GATE_FIELDS},
    "alerts check": {"": ("channel", "kind", "receives", "escalations")},
    "spec check": {"": SPEC_FINDING_FIELDS},
}
"""The fields of each command; by their condition, or by the key of a list if the JSON has several lists."""

MEANINGS: Mapping[str, str] = {
    "acknowledged_at": "time of the acknowledgement",
    "acknowledged_by": "the person who works on the incident",
    "actor": "the person or program that decided",
    "added": "lines that are new",
    "alerts_sent": "messages that were sent, by channel",
    "allowed": "the largest allowed value",
    "announced": "whether alerts were sent about the event",
    "answer": "the answer of the decision",
    "at": "time of writing",
    "auroc_by_score": "part of the change of AUROC that shifted scores explain",
    "auroc_given_score": "the rest of the change of AUROC",
    "author": "author of the commit; null without one",
    "breached_chunks": "number of breached chunks",
    "bytes": "size of the files",
    "cause": "the cause that the breaches of the incident share",
    "challenger": "value of the challenger",
    "champion": "value of the champion",
    "change": "lost, gained or kept",
    "channel": "name of the channel",
    "check": "name of the check",
    "chunk": "key of the chunk",
    "chunks": "number of chunks with results",
    "chunks_after": "breached chunks under the proposed rules",
    "chunks_before": "breached chunks under the spec in use",
    "coinciding": "causes of other incidents at the same time",
    "commit_hash": "the commit that changed the file last; null if it is not in git as it was used",
    "committed_at": "when it was committed",
    "compared_rows": "labelled rows that both versions have",
    "consequence": "whether another finding probably explains it",
    "diff": "unified diff to the former text",
    "difference": "the second minus the first",
    "drift_measured_chunks": "chunks on which drift could be measured",
    "drifted_columns": "drifted columns, with their numbers of chunks if the record is a period; null if not measured",
    "drifted_together": "whether all inputs, taken at once, have drifted",
    "elsewhere": "mean loss of the other rows",
    "error_bound": "largest error by binning",
    "escalations": "whether the channel receives escalations",
    "estimated": "performance estimated without labels",
    "event": "kind of the event",
    "explained_by": "causes that explain this one, by the attribution",
    "field": "path of the field in the spec",
    "file": "the file of the spec",
    "files": "files with rows of chunks",
    "first": "name of the side that is compared with",
    "first_lower": "lower bound of the 95 % interval of `first_value`",
    "first_rows": "labelled rows of the first side",
    "first_upper": "upper bound of the 95 % interval of `first_value`",
    "first_value": "value of the first side",
    "floor": "the floor, as in `drift.floors`",
    "gate": "answers of the gate, with their numbers",
    "gate_passed": "answer of the whole gate; null if it could not be measured",
    "gate_reasons": "reasons of that answer",
    "ignored_columns": "drifted columns that `drift.ignore` names",
    "incident": "name of the incident",
    "incidents_opened": "incidents opened, by severity",
    "is_file": "whether the text is that of the file; otherwise it has the fields that the run used",
    "kept_from": "the first chunk of an open incident; everything from it on is kept",
    "key": "the key that makes a decision happen only once",
    "kind": "kind of the measurement or of the channel",
    "labelled_rows": "labelled rows of the version",
    "labels_known": "share of the expected labels that are known",
    "last_breached": "key of the newest breached chunk",
    "level": "error or warning",
    "loss": "the loss whose means are compared",
    "lower": "lower bound of the 95 % interval",
    "maturity": "state of the labels: immature, provisional or final",
    "mean_bias_by_score": "part of the change of the mean bias that shifted scores explain",
    "mean_bias_given_score": "the rest of the change of the mean bias",
    "metric": "name of the metric",
    "model": "name of the model",
    "model_version": "the version",
    "month": "the month",
    "muted_until": "time until which no alerts are sent",
    "name": "name of the measurement",
    "of": "the part that it is measured of, such as a class or a change",
    "opened": "key of the chunk that opened the incident",
    "opened_after": "key of the chunk that opens it under the proposed rules; null if it is lost",
    "opened_before": "key of the chunk that opened it under the spec in use; null if it is gained",
    "outcome": "what a person found the incident to be",
    "owner": "owner of the model",
    "p_value": "probability of at least so much by chance",
    "pages": "number of pages",
    "pages_after": "number of pages under the proposed rules",
    "pages_before": "number of pages under the spec in use",
    "passed": "whether the challenger passed the check; null if it could not be measured",
    "period": "name of the period",
    "promoted": "versions that were promoted",
    "q_value": "p-value after false-discovery control",
    "reason": "why a value is null, a threshold is breached, or a decision was made",
    "receives": "the events that the channel receives",
    "recorded_by": "user of the operating system who ran it",
    "reference_value": "value on the reference",
    "refused": "whether the rebuilt reference was refused",
    "remedy": "what to do",
    "removed": "lines that are gone",
    "reopened": "how often the incident came back",
    "replaced_results": "results that were replaced when a chunk was measured again",
    "resolved": "key of the chunk that resolved the incident",
    "retrainings": "number of requested retrainings",
    "rolled_back": "versions that became champion again",
    "row": "hashed ID of the row",
    "rows": "number of rows",
    "run_id": "the run that stored the first result by it",
    "runbook": "address of the instructions",
    "second": "name of the other side",
    "second_lower": "lower bound of the 95 % interval of `second_value`",
    "second_rows": "labelled rows of the second side",
    "second_upper": "upper bound of the 95 % interval of `second_value`",
    "second_value": "value of the second side",
    "seen": "the fact that was seen",
    "seen_at": "when the first result by it was stored",
    "seen_before": "earlier incidents of the same cause, and what the last one was found to be",
    "segment": "the segment",
    "severity": "info, warning or critical",
    "severity_after": "severity under the proposed rules; null if it is lost",
    "severity_before": "severity under the spec in use; null if it is gained",
    "since": "key of the first breached chunk",
    "spec_hash": "the hash that the results have",
    "state": "state of the incident",
    "status": "ok, breached or skipped",
    "subject": "the column or part that it is about",
    "subjects": "everything that was ever part of the incident",
    "summary": "one line for people",
    "text": "the text; null if it was not recorded",
    "text_hash": "hash of the text",
    "threshold_lower": "lower limit",
    "threshold_upper": "upper limit",
    "title": "one line for people",
    "topic": "the question of the decision",
    "upper": "upper bound of the 95 % interval",
    "value": "the value; null if it was not measured, with the reason",
    "verdict": "verdict of the chunk; null if it was not judged",
    "verdict_reasons": "reasons of the verdict, most severe first; their numbers of chunks if the record is a period",
    "verdicts": "verdicts, with their numbers of chunks",
    "versions": "versions that served",
    "window": "the window of the reference",
    "with_retraining": "metric of the outputs served with retraining",
    "without_retraining": "metric of the logged outputs",
    "worse": "whether the second side is worse; null if the interval of the difference holds 0, or no value is better",
}
BOUNDS = ("_lower", "_upper")


def meaning_of(field: str) -> str:
    """Return the meaning of a field; a bound has that of its value."""
    for bound in BOUNDS:
        value = field.removesuffix(bound)
        if field not in MEANINGS and value in MEANINGS:
            return f"{bound[1:]} bound of the 95 % interval of `{value}`"
    return MEANINGS[field]


def all_fields() -> list[str]:
    """Return every field of every command, in alphabetical order."""
    return sorted({field for lists in FIELDS.values() for fields in lists.values() for field in fields})
