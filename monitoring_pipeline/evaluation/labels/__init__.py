"""How long labels take to arrive, and how mature a chunk's labels are."""
