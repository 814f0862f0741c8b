"""Repeats past nights, with the alerts, retrainings and promotions that would have happened."""
