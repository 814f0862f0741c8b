"""Privacy in a spec: what is left out, and what is refused with the field and what to write."""

import pytest
from pydantic import ValidationError

from monitoring_pipeline.spec.declaration import declaration_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.spec.cases import BINARY, changed

FEATURES = {"age": "numeric", "plan": "categorical", "note": "text", "mail": "categorical"}


def spec_with(privacy, **changes):
    given = {"features": FEATURES, "predictions.group_columns": ["sex"], "privacy": privacy}
    return ModelSpec.model_validate(changed(BINARY, given | {k.replace("__", "."): v for k, v in changes.items()}))


def test_a_dropped_feature_is_no_feature():
    spec = spec_with({"mail": "dropped", "note": "dropped"})
    assert list(spec.features) == ["age", "plan"]
    assert spec.privacy == {"mail": "dropped", "note": "dropped"}


@pytest.mark.parametrize(("privacy", "message"), [
    ({"mial": "hashed"}, "privacy: unknown column 'mial'; did you mean mail"),
    ({"mial": "dropped"}, "privacy: unknown feature 'mial'; did you mean mail"),
    ({"sex": "dropped"}, "privacy: unknown feature 'sex'"),
    ({"sex": "identifier"}, "privacy.sex: groups are formed by the values of the column; write hashed or {first: 2}"),
    ({"age": "hashed"}, "privacy.age: age is numeric; write {round_to: 10} or dropped, or declare it as categorical"),
    ({"age": {"first": 2}}, "privacy.age: age is numeric"),
    ({"plan": {"round_to": 5}}, "privacy.plan: round_to is for numbers"),
    ({"note": "hashed"}, "privacy.note: of a feature of kind text only numbers about it are kept; write dropped"),
    ({"plan": "secret"}, "write hashed, identifier, dropped, {first: 2} or {round_to: 10}"),
    ({"age": {"round_to": 0}}, "write hashed, identifier, dropped, {first: 2} or {round_to: 10}"),
    ({"age": {}}, "write hashed, identifier, dropped, {first: 2} or {round_to: 10}"),
    (dict.fromkeys(FEATURES, "dropped"), "features"),
])  # fmt: skip
def test_what_cannot_be_private_is_refused(privacy, message):
    with pytest.raises(ValidationError) as refused:
        spec_with(privacy)
    assert message in str(refused.value)


def test_another_feature_of_the_same_column_is_private_too():
    features = FEATURES | {"domain": {"kind": "categorical", "column": "mail"}}
    with pytest.raises(ValidationError, match=r"domain is the column of mail, too; name domain in privacy as well"):
        spec_with({"mail": "identifier"}, features=features)
    with pytest.raises(ValidationError, match=r"domain is the column of mail, too"):
        spec_with({"mail": "dropped"}, features=features)
    assert spec_with({"mail": "identifier", "domain": "hashed"}, features=features).features["domain"]


@pytest.mark.parametrize(("part", "message"), [
    ({"segments": {"by": {"x": {"where": {"plan": "gold"}}}}}, "segments.by.x.where.plan: no value of it can be named"),
    ({"explanation": {}}, "explanation.model: plan: write surrogate"),
])  # fmt: skip
def test_what_needs_values_is_refused(part, message):
    with pytest.raises(ValidationError) as refused:
        spec_with({"plan": "hashed"}, **part)
    assert message in str(refused.value)


def test_a_surrogate_explains_what_is_kept():
    assert spec_with({"plan": "hashed"}, explanation={"model": "surrogate"}).explanation


def test_a_treatment_is_part_of_the_hashes_and_none_changes_no_hash():
    plain, private = (spec_with(privacy) for privacy in ({}, {"plan": "hashed"}))
    assert "privacy" not in plain.model_dump_json()
    assert plain.spec_hash != private.spec_hash
    assert plain.reference_declaration_hash("1") != private.reference_declaration_hash("1")
    assert declaration_of(plain, "1") != declaration_of(private, "1")
