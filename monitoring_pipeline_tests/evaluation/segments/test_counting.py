"""One pass over all groups gives the profiles that each group's rows have alone."""

import math

import narwhals as nw
import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.profiles.bins import categorical_bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.segments.counting import profile_groups

NUMBERS = st.none() | st.sampled_from([0.0, -0.0, 1.0, 2.5, 1e120, math.nan, math.inf, -math.inf]) | st.floats(-9, 9)
ROWS = st.lists(st.tuples(NUMBERS, st.none() | st.sampled_from(["a", "b", "new", "x" * 200]), st.integers(-1, 3)))
BINS = {
    "number": numeric_bins(np.arange(-5.0, 5.0, 0.25)),
    "word": categorical_bins({"a": 5, "b": 2}),
    "never": categorical_bins({}),
}


@given(ROWS)
def test_groups_have_the_profiles_of_their_rows(rows):
    frame = pl.DataFrame(
        {"number": [r[0] for r in rows], "word": [r[1] for r in rows], "never": [None] * len(rows)},
        schema={"number": pl.Float64, "word": pl.String, "never": pl.String},
    )
    codes = np.array([r[2] for r in rows], dtype=np.int64)
    for group, profile in enumerate(profile_groups(frame, BINS, codes, 4, model_version="1")):
        own = frame.filter(pl.Series(codes == group, dtype=pl.Boolean))
        assert profile == profile_chunk(nw.from_native(own.lazy()), BINS, model_version="1")
