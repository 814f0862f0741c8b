"""Judgements of a spec and of the facts about its source, before the first night."""
