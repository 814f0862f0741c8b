"""Results as tables and pages in a terminal."""
