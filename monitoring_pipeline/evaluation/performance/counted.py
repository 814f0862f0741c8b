"""Metrics of all rows of a chunk from their counts, when only a sample of the rows was read."""

from dataclasses import dataclass, replace

from monitoring_pipeline.records.measurement import Measurement

FROM_COUNTS = "from the counts of"
"""Words in the definition of a measurement that is from the counts of all rows."""


@dataclass(frozen=True)
class CountedMetric:
    """A metric from the counts of all labelled rows, and the largest possible error by binning."""

    value: float
    error_bound: float
    rows: int

    def instead_of(self, of_sample: Measurement) -> Measurement:
        """Return a measurement of all rows in place of one of a sample, if its interval is narrower.

        The interval of the sample is moved to the value of all rows, narrowed by the root of the share of rows (as in
        ``ScoredRows.bootstrap``), and widened by the error bound. Without an interval only an exact value is taken.
        """
        value, lower, upper = of_sample.value, of_sample.lower, of_sample.upper
        if value is None or of_sample.rows >= self.rows:
            return of_sample
        words = f"; {FROM_COUNTS} {self.rows} rows, off by at most {self.error_bound:.2g} by binning"
        measured = replace(of_sample, value=self.value, rows=self.rows, definition=f"{of_sample.definition}{words}")
        if lower is None or upper is None:
            return of_sample if self.error_bound else measured
        narrowed = (of_sample.rows / self.rows) ** 0.5
        below = (value - lower) * narrowed + self.error_bound
        above = (upper - value) * narrowed + self.error_bound
        if below + above >= upper - lower:
            return of_sample
        interval = f", with the interval of a sample of {of_sample.rows} rows, narrowed"
        return replace(
            measured, lower=self.value - below, upper=self.value + above, definition=f"{measured.definition}{interval}"
        )
