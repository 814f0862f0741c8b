"""Answers expectations by counting, with the results that Great Expectations gives on pandas."""
