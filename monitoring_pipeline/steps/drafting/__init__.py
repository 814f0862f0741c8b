"""`init`: reads a source, and drafts the spec of the model in it."""
