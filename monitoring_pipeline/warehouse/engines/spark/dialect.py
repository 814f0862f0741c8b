"""The SQL of Spark: that of Databricks, with tables from the catalogue of the session."""

from dataclasses import replace

from monitoring_pipeline.warehouse.engines.databricks.dialect import DATABRICKS

SPARK = replace(DATABRICKS, name="Spark")
