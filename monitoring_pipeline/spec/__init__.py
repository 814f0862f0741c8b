"""Declarations by people: model specs and alerting rules. Imports only ``records``."""
