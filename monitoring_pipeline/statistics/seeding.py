"""Random generators seeded by words, so that results repeat on every machine."""

import hashlib

import numpy as np


def generator_of(*parts: str) -> np.random.Generator:
    """Return a generator that is the same for the same words, on every machine and in every order of calls."""
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest))
