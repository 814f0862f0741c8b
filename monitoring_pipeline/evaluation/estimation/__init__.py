"""Expected performance while labels are missing, with its measured error."""
