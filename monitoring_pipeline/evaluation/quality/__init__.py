"""Data quality of columns, tables and expectation suites, as measurements."""
