"""Two samples: distances, homogeneity tests, control of false discoveries."""
