"""The types of a row in the table of assets, and of one run of an asset."""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, TypeAlias

import dagster as dg

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.assets.checks import Check
from monitoring_pipeline.orchestration.assets.history import History
from monitoring_pipeline.orchestration.assets.metadata import Metadata, performance_metadata, shown_metadata
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.outages import waits_for_source
from monitoring_pipeline.orchestration.runs.partitions import as_of, chunks_of
from monitoring_pipeline.orchestration.runs.processes import current_processes
from monitoring_pipeline.orchestration.runs.progress import report_measured
from monitoring_pipeline.orchestration.runs.timing import Timed, run_timed
from monitoring_pipeline.orchestration.runs.user import current_user
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.records.spec_text import SpecText
from monitoring_pipeline.spec.alerting import NO_LINKS, Links
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.steps.chunk.incidents import Rules
from monitoring_pipeline.steps.roles import with_roles
from monitoring_pipeline.steps.specs.texts import unrecorded_text
from monitoring_pipeline.version_control.git import find_commit

Event: TypeAlias = dg.AssetCheckEvaluation | dg.Output[None] | dg.MaterializeResult


@dataclass(frozen=True, kw_only=True)
class StepInputs:
    """What a step is made from, in the process of the run or in another one.

    Attributes:
        loaded: the model's spec.
        outside: all ports.
        as_of: returns the time as of which labels are read; it raises the errors of ``partitions.as_of``.
        measured: names of the assets from whose results the verdict is made.
    """

    loaded: LoadedSpec
    outside: Outside
    as_of: Callable[[], dt.datetime]
    measured: Sequence[str]

    @property
    def spec(self) -> ModelSpec:
        """The model's spec."""
        return self.loaded.spec


def _every_model(_: ModelSpec) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One asset of every model, or of every model whose spec requires it.

    Attributes:
        name: the last part of its key, and the producer of its results.
        description: shown in Dagster.
        run: measures the chunks of a run, writes the results, and yields the events for Dagster.
        step: makes the function that measures one chunk, once per run and process; None if ``run`` has no such step.
        needs: assets whose rows the step reads. A chunk keeps its results if one of them was refused or not read.
        is_in_order: whether the step of a model with this spec reads its results of earlier chunks, so that chunks are
            measured one after another.
        deps: names of the assets that it needs; names that a model lacks are ignored.
        kinds: shown in Dagster as icons.
        checks: its asset checks.
        metadata: makes the metadata that Dagster shows for a partition.
        history: draws the chunks before a chunk, for its metadata.
        is_wanted: whether a model with this spec has the asset.
        is_measured: whether the verdict is made from its results.
        is_partitioned: whether it has one partition for each chunk.
        reads_source: whether it reads the users' tables for each chunk. It is retried, because they may be unreachable.
        may_change_with_late_labels: whether it runs again when labels of a past chunk arrive.
        config: the options that people can set for a run.
    """

    name: str
    description: str
    run: "Callable[[AssetRun], Iterator[Event]]"
    step: Callable[[StepInputs], Callable[[Chunk], Any]] | None = None
    needs: tuple[Producer, ...] = (Producer.PREDICTIONS,)
    is_in_order: Callable[[ModelSpec], bool] = lambda _: False
    deps: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()
    checks: tuple[Check, ...] = ()
    metadata: Callable[[ChunkResults], Metadata] = performance_metadata
    history: History | None = None
    is_wanted: Callable[[ModelSpec], bool] = _every_model
    is_measured: bool = True
    is_partitioned: bool = True
    reads_source: bool = False
    may_change_with_late_labels: bool = False
    config: type[dg.Config] | None = None


@dataclass(frozen=True)
class AssetRun:
    """One run of one asset of a model, with typed access to Dagster's resources.

    Attributes:
        context: Dagster's context of the run.
        loaded: the model's spec.
        asset: the asset that runs.
        measured: names of the assets from whose results the verdict is made.
        sources: names of the assets that read the users' tables.
        names: the names of definitions.
        efforts: what the step took, by the key of the chunk.
    """

    context: dg.AssetExecutionContext
    loaded: LoadedSpec
    asset: Asset
    measured: Sequence[str]
    sources: Sequence[str]
    names: Names = PLAIN
    efforts: dict[str, Effort] = field(default_factory=dict[str, Effort])

    @property
    def spec(self) -> ModelSpec:
        """The model's spec."""
        return self.loaded.spec

    @property
    def chunks(self) -> list[Chunk]:
        """The chunks of the run's partitions, in order."""
        return chunks_of(self.context, self.spec)

    @property
    def outside(self) -> Outside:
        """All ports, made from the resources of the run."""
        return getattr(self.context.resources, self.names.of("outside"))

    @cached_property
    def waits(self) -> bool:
        """Whether the run is started again if a source is away now, and records nothing until then."""
        context = self.context
        return waits_for_source(self.spec, context.run, context.instance, self.clock(), self.names)

    @cached_property
    def spec_text(self) -> SpecText | None:
        """The text of the spec, if it is to be kept with the results of the run; None if the store has it."""
        return unrecorded_text(
            self.loaded,
            self.store,
            find_commit=find_commit,
            now=self.clock(),
            run_id=self.context.run.run_id,
            recorded_by=current_user(),
        )

    @property
    def store(self) -> Store:
        """The store of results."""
        return self.outside.store

    @property
    def clock(self) -> Clock:
        """The clock of the run."""
        return self.outside.clock

    @property
    def alerting(self) -> Rules:
        """The reader of the alerting rules."""
        return getattr(self.context.resources, self.names.of("alerting"))

    @cached_property
    def links(self) -> Links:
        """The addresses of the alerting rules; none if the rules cannot be read, which the asset incidents reports."""
        try:
            return self.alerting().links
        except SpecError:
            return NO_LINKS

    def measured_by_step(self, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, Callable[[], Any]]]:
        """Yield each chunk with a function that returns what the step of the asset returns, and raises its errors.

        Other processes measure the chunks if the run has some, unless the step needs the chunks in their order.
        """
        make = self.asset.step
        if make is None:
            raise ValueError(f"asset {self.asset.name} has no step")
        inputs = StepInputs(
            loaded=self.loaded,
            outside=replace(self.outside, waits=self.asset.reads_source and self.waits),
            as_of=partial(as_of, self.context, self.clock),
            measured=self.measured,
        )
        processes = current_processes()
        if processes is None or self.asset.is_in_order(self.spec) or len(chunks) == 1:
            step = make(inputs)
            timed = ((chunk, partial(run_timed, step, chunk)) for chunk in chunks)
        else:
            timed = processes.measured(self.asset.name, inputs, chunks)
        yield from ((chunk, partial(self._outcome, chunk, measure)) for chunk, measure in timed)

    def _outcome(self, chunk: Chunk, measure: Callable[[], Timed]) -> Any:
        timed = measure()
        self.efforts[chunk.key] = timed.effort
        return timed.outcome

    def draw_history(self) -> None:
        """Show the history of each chunk of the run as metadata of its partition; the results are written before."""
        if self.asset.history is None:
            return
        for key, drawing in self.asset.history(self.spec, self.chunks, self.store).items():
            self.context.add_asset_metadata({"history": dg.MetadataValue.md(drawing)}, partition_key=key)

    def write(self, results: ChunkResults) -> None:
        """Replace the results of a producer for a chunk; show this asset's results as metadata of the partition."""
        results = with_roles(results, self.store)
        effort = self.efforts.get(results.chunk.key) if self.asset.name == results.producer else None
        if effort is not None and results.snapshot is not None:
            effort = replace(effort, rows=results.snapshot.rows)
        # Asked first, so that no result is older than the text that it was made by.
        text = self.spec_text
        self.store.replace(results, run_id=self.context.run.run_id, measured_at=self.clock(), effort=effort, spec=text)
        report_measured(self.asset.name, results.chunk)
        is_of_run = results.chunk.key in self.context.partition_keys
        if is_of_run and self.asset.name == results.producer:
            report = self.links.report_of(self.spec.name, results.chunk.key)
            metadata = shown_metadata(self.asset.metadata(results), report)
            self.context.add_asset_metadata(metadata, partition_key=results.chunk.key)
