"""An archive about one model and period, for an auditor."""
