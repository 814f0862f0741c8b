-- The rows of one numeric column by side and cell, with extremes and sums of the finite values.
-- Summands are whole numbers of frozen steps, in two parts, so that they add up to the same number in every order. A
-- summand below half a step is 0 without computing it, because some engines refuse a product that is too small.
SELECT
    d.side,
    d.cell,
    count(*) AS row_count,
    min(d.x) AS minimum,
    max(d.x) AS maximum,
    sum(d.sum_high) AS sum_high,
    sum(d.steps - d.sum_high * {limb}) AS sum_low,
    sum(d.squares_high) AS squares_high,
    sum(d.squares - d.squares_high * {limb}) AS squares_low
FROM (
    SELECT
        s.side, s.cell, s.x, s.steps, s.squares,
        {steps_high} AS sum_high,
        {squares_high} AS squares_high
    FROM (
        SELECT
            c.side, c.cell, c.x,
            CASE
                WHEN abs(c.centred) < {half_a_step} THEN {zero}
                ELSE {steps}
            END AS steps,
            CASE
                WHEN abs(c.centred) < {half_a_square} THEN {zero}
                ELSE {squares}
            END AS squares
        FROM (
            SELECT
                v.side, v.cell,
                CASE WHEN v.is_ordered = 1 THEN v.x END AS x,
                CASE WHEN v.is_ordered = 1 AND abs(v.x) <= {largest} THEN v.x - {centre} END AS centred
            FROM (
                SELECT
                    r.side, r.x,
                    CASE WHEN {is_nan} THEN 0 WHEN abs(r.x) < {infinity} THEN 1 ELSE 0 END AS is_ordered,
                    CASE
                        WHEN r.x IS NULL THEN 0
                        WHEN {is_nan} THEN 1
                        WHEN r.x = -{infinity} THEN 2
                        WHEN r.x = {infinity} THEN {last_cell}
                        ELSE {cell}
                    END AS cell
                FROM ({values}) AS r
            ) AS v
        ) AS c
    ) AS s
) AS d
GROUP BY d.side, d.cell
