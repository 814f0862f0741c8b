"""Lines that set variables can be run: a shell asks for the secrets, which are not printed."""

import shutil
import subprocess

import pytest

from monitoring_pipeline.cli.drafting.output import export_lines, masked_address

VARIABLE = "MONITORING_PIPELINE_WAREHOUSE"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("address", "secrets"),
    [
        ("postgresql://reader:s3cr$t'p w@host:5432/shop", ("s3cr$t'p w",)),
        ("postgresql://reader:s3cr3t-pass@host:5432/shop?sslmode=require", ("s3cr3t-pass",)),
        ("snowflake://u:pa55word@account/db?warehouse=w h&token=t0ken-1", ("pa55word", "t0ken-1")),
        ("/data/it's a file.duckdb", ()),
    ],
)
def test_printed_lines_give_the_address_once_the_secrets_are_typed(address, secrets):
    lines = list(export_lines({VARIABLE: masked_address(address)}))
    assert "***" not in "\n".join(lines)
    assert not any(secret in line for secret in secrets for line in lines)
    script = "\n".join([*lines, f'printf %s "${VARIABLE}"'])
    typed = "".join(f"{secret}\n" for secret in secrets)
    ran = subprocess.run(["bash", "-c", script], input=typed, capture_output=True, text=True, check=True)
    assert ran.stdout == address


def test_values_without_a_secret_are_quoted_as_before():
    assert list(export_lines({"A": "/x y", "B": "z"})) == ["export A='/x y'", "export B=z"]


def test_each_secret_has_a_variable_of_its_own():
    lines = list(export_lines({"A": "u:***@h", "B": "***"}))
    assert lines[:2] == ["read -rs PASSWORD", 'export A=u:"$PASSWORD"@h']
    assert lines[2:] == ["read -rs PASSWORD_2", "export B=''\"$PASSWORD_2\""]
