"""The cell of a value as SQL: a balanced tree of comparisons with the edges of the bins."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.profiles.bins import LARGEST_SUMMED, SPECIAL_CELLS_BEFORE, SUM_BITS, NumericBins
from monitoring_pipeline.evaluation.profiles.groups import LIMB
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.warehouse.sql.counting.canonical import number
from monitoring_pipeline.warehouse.sql.dialect import Dialect

VALUE = "r.x"


def cells_sql(dialect: Dialect, bins: NumericBins, values: str) -> str:
    """Return the query for the groups of ``profile_of_cells``.

    Args:
        dialect: the SQL of the engine.
        bins: the bins.
        values: a SELECT of the columns ``x`` and ``side``, which keeps groups of rows apart.
    """
    step, square = bins.reach / 2**SUM_BITS, bins.reach**2 / 2**SUM_BITS
    half, limb = number(dialect, 0.5), number(dialect, float(LIMB))
    return read_sql("warehouse/counting/cells.sql").format(
        values=values,
        is_nan=dialect.is_nan(VALUE),
        infinity=number(dialect, float("inf")),
        last_cell=len(bins.cells) - 1,
        cell=_tree(dialect, bins.edges, SPECIAL_CELLS_BEFORE),
        largest=number(dialect, LARGEST_SUMMED),
        centre=number(dialect, bins.centre),
        steps=dialect.floor_of_float(f"c.centred / {number(dialect, step)} + {half}"),
        squares=dialect.floor_of_float(f"c.centred * c.centred / {number(dialect, square)} + {half}"),
        steps_high=dialect.floor_of_float(f"s.steps / {limb}"),
        squares_high=dialect.floor_of_float(f"s.squares / {limb}"),
        zero=number(dialect, 0.0),
        limb=limb,
        half_a_step=number(dialect, step / 4),
        half_a_square=number(dialect, bins.reach / 2 ** (SUM_BITS // 2) / 4),
    )


def _tree(dialect: Dialect, edges: Sequence[float], first: int) -> str:
    """Return the number of the cell between edges; ``first`` is that of the cell below the first edge."""
    if not edges:
        return str(first)
    middle = len(edges) // 2
    below, above = _tree(dialect, edges[:middle], first), _tree(dialect, edges[middle + 1 :], first + middle + 1)
    return f"CASE WHEN {VALUE} < {number(dialect, edges[middle])} THEN {below} ELSE {above} END"
