"""The base class of every part of a model spec."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class SpecPart(BaseModel):
    """Base of every part of a spec: unknown keys are refused, values never change, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False)

    added_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that are younger than the part. A dump omits them while they have their default.

    The hashes of a spec are made from its dump. So a new field does not change the hash of a spec that does not use it,
    and stored results stay valid.
    """

    @model_serializer(mode="wrap")
    def _dump_without_unused_additions(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields = type(self).model_fields
        unused = {
            name
            for name in self.added_fields
            if getattr(self, name) == fields[name].get_default(call_default_factory=True)
        }
        return {name: value for name, value in dump(self).items() if name not in unused}
