"""The steps of one chunk, one file per asset."""
