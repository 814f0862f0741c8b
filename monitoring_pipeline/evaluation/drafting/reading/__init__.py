"""Files that users already have, read for what they say about columns; nothing in them is executed."""
