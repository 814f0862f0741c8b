"""The command that compares two versions, two segments or two periods of a model."""

from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import day_range
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data

if TYPE_CHECKING:
    from monitoring_pipeline.spec.model import ModelSpec
    from monitoring_pipeline.steps.comparing import Asked

Pair = tuple[str, str]
RANGE = ".."


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--versions", type=(str, str), metavar="A B", help="Two versions, on the chunks of --from and --to.")
@click.option("--segments", type=(str, str), metavar="A B", help="Two segments such as origin=JFK, on these chunks.")
@click.option("--periods", type=(str, str), metavar="A B", help="Two periods such as 2013-03-01..2013-03-31.")
@day_range(required=False)
@prints_data
def compare(
    *,
    model: str,
    versions: Pair | None,
    segments: Pair | None,
    periods: Pair | None,
    first: str | None,
    last: str | None,
    form: OutputForm,
) -> None:
    """Compare the performance of two versions, segments or periods of MODEL, with intervals.

    It reads what the nights stored: counts of the labelled rows by score, and for segments the rows themselves.
    """
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.evaluation.compared_sides import compare_sides
    from monitoring_pipeline.reports.terminal.compared_sides import comparison_table
    from monitoring_pipeline.steps.comparing import NothingToCompareError, side_of

    if sum(pair is not None for pair in (versions, segments, periods)) != 1:
        raise click.UsageError("name one of --versions, --segments and --periods")
    if periods is None and (first is None or last is None):
        raise click.UsageError("--versions and --segments need --from and --to")
    if periods is not None and (first or last):
        raise click.UsageError("--periods has its own days; leave out --from and --to")
    with clear_errors():
        spec = find_model(read_settings(), model).spec
        asked = _of_periods(spec, periods) if periods else _on_same_chunks(spec, versions, segments, first, last)
        with open_outside(read_settings()) as outside:
            try:
                one, other = (side_of(spec, side, outside) for side in asked)
            except NothingToCompareError as error:
                raise click.ClickException(str(error)) from None
            print_reports(form, [comparison_table(model, one, other, compare_sides(spec, one, other))])


def _of_periods(spec: "ModelSpec", periods: Pair) -> list["Asked"]:
    from monitoring_pipeline.steps.comparing import Asked

    sides = []
    for text in periods:
        start, separator, end = text.partition(RANGE)
        if not separator or not start or not end:
            raise click.UsageError(f"--periods: {text!r} is not a period such as 2013-03-01..2013-03-31")
        sides.append(Asked(f"{start} to {end}", [chunk.key for chunk in spec.calendar.chunks_named(start, end)]))
    return sides


def _on_same_chunks(
    spec: "ModelSpec", versions: Pair | None, segments: Pair | None, first: str | None, last: str | None
) -> list["Asked"]:
    from monitoring_pipeline.steps.comparing import Asked

    keys = [chunk.key for chunk in spec.calendar.chunks_named(str(first), str(last))]
    if versions is not None:
        return [Asked(f"version {version}", keys, version=version) for version in versions]
    return [Asked(segment, keys, segment=segment) for segment in segments or ()]
