-- Estimated performance beside performance from labels: one row per chunk, version and metric with final labels.
CREATE VIEW estimation_errors AS
SELECT
    estimated.model,
    estimated.chunk,
    estimated.chunk_start,
    estimated.model_version,
    estimated.name,
    estimated.value AS estimated,
    estimated.lower AS estimated_lower,
    estimated.upper AS estimated_upper,
    realized.value AS realized,
    estimated.value - realized.value AS error
FROM current_measurements AS estimated
JOIN current_measurements AS realized
    ON realized.model = estimated.model
    AND realized.chunk = estimated.chunk
    AND realized.model_version = estimated.model_version
    AND realized.role = estimated.role
    AND realized.segment = estimated.segment
    AND realized.subject = estimated.subject
    AND realized.name = estimated.name
WHERE estimated.kind = 'estimated_performance'
    AND estimated.producer = 'estimate'
    AND realized.kind = 'performance'
    AND realized.producer = 'performance'
    AND realized.maturity = 'final'
    AND estimated.value IS NOT NULL
    AND realized.value IS NOT NULL
