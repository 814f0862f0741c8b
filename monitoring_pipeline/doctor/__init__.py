"""``monitoring-pipeline doctor``: what a deployment lacks, and what to do about it. It changes nothing."""
