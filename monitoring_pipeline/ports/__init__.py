"""Protocols of everything outside the process, one file each."""
