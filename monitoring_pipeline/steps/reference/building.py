"""Builds the reference of a model version once from its rows, and stores it for all steps."""

import datetime as dt
from dataclasses import dataclass

import monitoring_pipeline
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.reference.reference import EmptyReferenceError, Reference, build_reference
from monitoring_pipeline.evaluation.reference.shrinkage import can_stay_in_use, losses
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.measurement import Measurement, Provenance
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.spec.declaration import ReferenceDeclaration, declaration_of, spec_of_reference
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.steps.reference.changed_features import with_declared_features
from monitoring_pipeline.steps.reference.reading import read_reference_rows
from monitoring_pipeline.steps.reference.refusal import record_refusals, refusal
from monitoring_pipeline.steps.reference.stored import StoredReference, stored_reference, with_floors_of_today
from monitoring_pipeline.steps.reference.storing import ToStore, store_reference
from monitoring_pipeline.steps.references import MissingInputError


@dataclass(frozen=True)
class TakenReference:
    """The reference of a version; ``reused`` if it was not built again.

    ``refusals`` are not empty if a rebuilt reference was refused, so that this is the one before it.
    """

    reference: Reference
    reused: bool
    refusals: tuple[Measurement, ...] = ()


@one_thread()
def take_reference(
    loaded: LoadedSpec,
    model_version: str,
    outside: Outside,
    *,
    now: dt.datetime,
    rebuild: bool = False,
    accept_smaller: bool = False,
) -> TakenReference:
    """Build a version's reference, unless it was built from the same declaration before.

    If only features were added, changed or removed, only their part is built. A rebuilt reference that has shrunk is
    refused, and the one before stays in use.

    Args:
        loaded: the model's spec.
        model_version: the version.
        outside: all ports.
        now: the present time.
        rebuild: whether it is built even if the declaration is unchanged.
        accept_smaller: whether a reference that has shrunk may replace the one before.

    Raises:
        SourceError: when its rows cannot be read, or do not fit the spec.
        EmptyReferenceError: when it has no rows of the version, and there is none before it.
    """
    building = _Building(loaded, model_version, outside, now, accept_smaller=accept_smaller)
    before = stored_reference(loaded.spec, model_version, outside.store)
    if before is None:
        return building.build(None)
    taken = None if rebuild else building.without_rebuilding(before)
    taken = taken or building.build(before.reference)
    record_refusals(loaded.spec, before.reference, taken.refusals, outside.store, building.origin)
    return taken


@dataclass(frozen=True)
class _Building:
    """The building of one version's reference."""

    loaded: LoadedSpec
    version: str
    outside: Outside
    now: dt.datetime
    accept_smaller: bool

    @property
    def origin(self) -> Origin:
        return Origin(run_id=self.outside.run_id, at=self.now)

    @property
    def declared(self) -> ReferenceDeclaration:
        return declaration_of(self.loaded.spec, self.version)

    def without_rebuilding(self, before: StoredReference) -> TakenReference | None:
        """Return the stored reference, with the declared features; None if its rows are declared otherwise.

        None also if a run of an earlier version of this package ended before it had stored all of it.
        """
        if before.declaration is None or before.declaration.rows != self.declared.rows:
            return None
        producer = reference_producer(self.version)
        if self.outside.store.provenance(self.loaded.spec.name, before.reference.window, producer) is None:
            return None
        reference = with_floors_of_today(
            self.loaded.spec, before.reference, before.declaration, self.outside, self.origin
        )
        if before.declaration == self.declared:
            return TakenReference(reference, reused=True)
        try:
            changed = with_declared_features(
                self.loaded, reference, before.declaration, self.outside, now=self.now, accept=self.accept_smaller
            )
        except MissingInputError:
            return None
        if isinstance(changed, Measurement):
            return TakenReference(reference, reused=True, refusals=(changed,))
        store_reference(changed, self.outside, self.origin)
        return TakenReference(changed.built.reference, reused=False)

    def build(self, before: Reference | None) -> TakenReference:
        """Build the reference from its rows, and store it unless it has shrunk."""
        declared = spec_of_reference(self.loaded.spec, self.version)
        if before is not None and not can_stay_in_use(declared, before):
            before = None
        read = read_reference_rows(self.loaded, self.version, self.outside, now=self.now)
        try:
            built = build_reference(
                read.spec,
                self.version,
                read.window.key,
                read.rows,
                read.labels,
                table_columns=read.table_columns,
                as_of=self.now,
                shows_volume=not read.is_elsewhere,
                projections=read.projections,
            )
        except EmptyReferenceError:
            if before is None:
                raise
            return self._refused(before, 0, (f"0 rows in {read.window.key}, {before.profile.rows} before",))
        lost = () if before is None or self.accept_smaller else losses(declared, before, built.reference)
        if before is not None and lost:
            return self._refused(before, built.reference.profile.rows, lost)
        provenance = Provenance(
            spec_hash=self.loaded.spec.reference_declaration_hash(self.version),
            reference_hash=built.reference.reference_hash,
            input_fingerprint=read.fingerprint,
            code_version=monitoring_pipeline.__version__,
        )
        to_store = ToStore(
            spec=declared,
            built=built,
            window=read.window,
            provenance=provenance,
            declaration=self.declared,
            findings=(*read.findings, *read.concentrated_nulls(self.version)),
        )
        store_reference(to_store, self.outside, self.origin)
        return TakenReference(built.reference, reused=False)

    def _refused(self, before: Reference, rows: int, lost: tuple[str, ...]) -> TakenReference:
        measurement = refusal(self.loaded.spec, before, rows, lost)
        return TakenReference(before, reused=True, refusals=(measurement,))
