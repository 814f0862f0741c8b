"""Rehearses past days, night by night, as they would have been: what would have been told, and done."""
