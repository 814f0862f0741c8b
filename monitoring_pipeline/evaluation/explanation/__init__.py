"""The split of a change of performance: moved inputs, moved scores, or a changed relation of inputs and label."""
