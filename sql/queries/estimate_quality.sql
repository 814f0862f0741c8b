-- How far were the estimates from the values that labels gave later?
-- Parameters
--   model    name of the model
-- Output: per version and metric: chunks compared, mean error, mean absolute error, and the share of chunks whose
-- realized value lay inside the estimate's interval.
SELECT
    model_version,
    name,
    COUNT(*) AS chunks,
    AVG(error) AS mean_error,
    AVG(ABS(error)) AS mean_absolute_error,
    AVG(CASE WHEN realized BETWEEN estimated_lower AND estimated_upper THEN 1.0 ELSE 0.0 END) AS inside_interval
FROM estimation_errors
WHERE model = :model
GROUP BY model_version, name
ORDER BY model_version, name
