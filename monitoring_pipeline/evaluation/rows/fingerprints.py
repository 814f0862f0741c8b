"""Fingerprints of rows."""

import hashlib

import polars as pl

from monitoring_pipeline.evaluation.privacy.pseudonyms import ID_HASH_BYTES


def fingerprint(frame: pl.DataFrame) -> str:
    """Return a hash of a frame's names, types and values; rows must be in a fixed order.

    It depends only on the content: memory layout and versions of libraries have no effect.
    """
    digest = hashlib.blake2b(digest_size=ID_HASH_BYTES)
    for series in frame:
        digest.update(f"{series.name}:{series.dtype}:{series.len()};".encode())
        digest.update(series.is_null().to_numpy().tobytes())
        if series.dtype == pl.String:
            filled = series.fill_null("")
            digest.update(filled.str.len_bytes().to_numpy().tobytes())
            digest.update(filled.str.join("").item().encode())
        else:
            digest.update(series.to_physical().fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()


def combined_fingerprint(*parts: str) -> str:
    """Return one fingerprint of several fingerprints, in their order."""
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=ID_HASH_BYTES).hexdigest()
