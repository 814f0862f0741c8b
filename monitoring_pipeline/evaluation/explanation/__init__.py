"""Why performance changed: moved inputs, moved scores, or a changed relation of inputs and label."""
