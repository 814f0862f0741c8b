"""Counts how often the forecast of a month's cost contains what the month cost, on days that resemble those before.

Usage: ``python benchmarks/forecasts.py``. Each month has a week and an autoregression; its interval is one of 95 %.
"""

import datetime as dt

import numpy as np
from usual_numbers import autoregression

from monitoring_pipeline.evaluation.business.forecast import forecast_month

MAY = [dt.date(2024, 5, day) for day in range(1, 32)]
MONTHS, KNOWN, RESEMBLANCES = 500, (10, 15, 20, 25), (0.0, 0.3, 0.5, 0.7, 0.8)
LINE = "{:12}" + " {:>16}" * len(KNOWN)


def main() -> None:
    """Print coverage in percent, and half the width of the interval in percent of the month."""
    print(LINE.format("resemblance", *(f"{known} days known" for known in KNOWN)))
    for phi in RESEMBLANCES:
        cells: list[str] = []
        for known in KNOWN:
            covered, widths = 0, list[float]()
            for seed in range(MONTHS):
                noise = 10 * autoregression(np.random.default_rng(seed), len(MAY), phi)
                costs = 100 * (1 + 0.2 * np.sin(np.arange(len(MAY)) % 7)) + noise
                spent = dict(zip(MAY[:known], costs[:known].tolist(), strict=True))
                found = forecast_month(spent, MAY[known:], budget=1e9)
                if isinstance(found, str) or found.total.lower is None or found.total.upper is None:
                    raise ValueError(f"no forecast: {found}")
                covered += found.total.lower <= costs.sum() <= found.total.upper
                widths.append((found.total.upper - found.total.lower) / 2 / float(costs.sum()))
            cells.append(f"{100 * covered / MONTHS:.1f} (+-{100 * np.mean(widths):.0f} %)")
        print(LINE.format(phi, *cells), flush=True)


if __name__ == "__main__":
    main()
