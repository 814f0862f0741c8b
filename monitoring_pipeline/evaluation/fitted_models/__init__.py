"""Small models that the monitor fits: the domain classifier, and the matrices that models are fitted to."""
