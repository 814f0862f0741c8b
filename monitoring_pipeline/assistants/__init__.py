"""Answers the questions of assistants over the Model Context Protocol, from a store that is only read."""
