"""The contents of pages: what each section says, without HTML."""
