"""The forecast of a month's cost contains what the month cost, also where days resemble those before."""

import datetime as dt
import math

import numpy as np

from monitoring_pipeline.evaluation.business.forecast import forecast_month

MAY = [dt.date(2024, 5, day) for day in range(1, 32)]


def test_months_of_days_that_resemble_those_before_are_covered():
    covered = 0
    for seed in range(120):
        generator = np.random.default_rng(seed)
        stray, costs = generator.standard_normal(), []
        for day in range(31):
            stray = 0.7 * stray + math.sqrt(1 - 0.7**2) * generator.standard_normal()
            costs.append(100 + 20 * math.sin(day % 7) + 10 * stray)
        found = forecast_month(dict(zip(MAY[:15], costs[:15], strict=True)), MAY[15:], budget=1e9)
        covered += found.total.lower <= sum(costs) <= found.total.upper
    # It was 89 %: the 95 % interval of so many months is 91 to 99.
    assert covered >= 110
