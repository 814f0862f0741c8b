"""The commands whose output about a stored home is kept beside it."""

import re
import shutil
from pathlib import Path

from monitoring_pipeline_tests.homes.lived_home import LivedHome
from monitoring_pipeline_tests.homes.story import DELIVERIES, LIVED, LOANS, MODELS, NEXT, PARCELS

PRINTED, NEXT_MORNING = "printed", "printed_later"
FROM_TO = ("--from", LIVED[0], "--to", NEXT)
COMMANDS: dict[str, tuple[str, ...]] = {
    **{f"show_{model}": ("show", model, *FROM_TO) for model in MODELS},
    **{f"show_{model}_by_month": ("show", model, *FROM_TO, "--by", "month") for model in MODELS},
    **{f"performance_{model}": ("performance", model, *FROM_TO) for model in MODELS},
    **{f"performance_{model}_by_sums": ("performance", model, *FROM_TO, "--sums") for model in MODELS},
    **{f"decisions_{model}": ("decisions", model) for model in (LOANS, DELIVERIES)},
    "incidents": ("incidents",),
    "incidents_all": ("incidents", "--all"),
    "alerts_check": ("alerts", "check"),
    "what_is_wrong": ("query", "what_is_wrong"),
    **{f"since_when_{model}": ("query", "since_when", "--set", f"model={model}") for model in MODELS},
    "metric_history_auroc": ("query", "metric_history", "--set", f"model={LOANS}", "--set", "name=auroc"),
    "metric_history_recall": (
        "query", "metric_history", "--set", f"model={PARCELS}", "--set", "name=recall[lost [item]]",
    ),
    "what_we_knew_before": ("query", "what_we_knew", "--set", f"model={LOANS}", "--set", f"chunk={LIVED[-2]}"),
    "estimate_quality": ("query", "estimate_quality", "--set", f"model={LOANS}"),
    "who_was_told": ("query", "who_was_told"),
    "alert_precision": ("query", "alert_precision"),
}  # fmt: skip


OF_A_NIGHT: dict[str, tuple[str, ...]] = {
    f"what_we_knew_{model}": ("query", "what_we_knew", "--set", f"model={model}", "--set", f"chunk={NEXT}")
    for model in MODELS
}
"""Commands about the results of a later night."""


def print_all(home: LivedHome, folder: Path, *, later: bool = False) -> None:
    """Write what each command prints, and each incident's page, into a folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, words in commands(home, later=later).items():
        (folder / f"{name}.txt").write_text(without_frames(home.command(*words)), encoding="utf-8")


def commands(home: LivedHome, *, later: bool = False) -> dict[str, tuple[str, ...]]:
    """Return every command by the name of its file."""
    names = [str(name) for (name,) in home.ask("SELECT incident_id FROM incidents ORDER BY incident_id")]
    pages = {f"incident_{name}": ("incidents", "show", name) for name in names}
    return COMMANDS | pages | (OF_A_NIGHT if later else {})


def without_frames(text: str) -> str:
    """Return the words of a page, a line for each of its lines, without the frames of its tables."""
    lines = (" ".join(re.sub(r"[\u2500-\u257f]+", " ", line).split()) for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line)
