"""A function that a spec of the tests names as a measure, and that quotes what it is given."""


def quoting_all_rows(rows):
    """Fail with every row in the message, the first rows on the first line."""
    raise ValueError(" ".join(map(str, rows.tail(1).rows())) + str(rows.rows()))
