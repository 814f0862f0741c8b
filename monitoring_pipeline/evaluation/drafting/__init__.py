"""A first spec from the facts of a table: guesses with their evidence, and doubts as questions."""
