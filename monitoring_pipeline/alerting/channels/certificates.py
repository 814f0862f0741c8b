"""Certificates of the servers that channels call: which are trusted, and what to do about one that is not."""

import ssl
from pathlib import Path

from monitoring_pipeline.alerting.ports import DeliveryError


def trusted_certificates(further: Path | None, service: str) -> ssl.SSLContext:
    """Return the system's trusted authorities (or those of ``SSL_CERT_FILE``), and further ones from a file.

    Raises:
        DeliveryError: when the file cannot be read.
    """
    context = ssl.create_default_context()
    if further is not None:
        try:
            context.load_verify_locations(cafile=further)
        except OSError as error:
            text = (
                f"{service}: certificates {further} in alerting.yaml: {error.strerror or error}: a PEM file is needed"
            )
            raise DeliveryError(text, needs_a_person=True) from error
    return context


def untrusted(service: str, host: str, error: ssl.SSLCertVerificationError) -> DeliveryError:
    """Return the error about a server whose certificate is not trusted, with the remedy."""
    text = (
        f"{service}: the certificate of {host} is not trusted ({error.verify_message}): write a file with the "
        "certificate of its authority as `certificates` into alerting.yaml, or into the variable SSL_CERT_FILE"
    )
    return DeliveryError(text, needs_a_person=True)
