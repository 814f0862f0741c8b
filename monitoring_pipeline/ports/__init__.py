"""The shapes of everything outside the process, one file each."""
