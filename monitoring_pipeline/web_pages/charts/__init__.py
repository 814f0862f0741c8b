"""Charts: authored with Altair, rendered to SVG when the page is built, each with its sentence and its numbers."""
