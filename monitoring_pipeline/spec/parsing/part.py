"""The base class of every part of a model spec."""

from pydantic import BaseModel, ConfigDict


class SpecPart(BaseModel):
    """Base of every part of a spec: unknown keys are refused, values never change, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)
