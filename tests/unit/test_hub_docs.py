"""The hub's settings on the operators' page; ``python -m tests.unit.test_hub_docs`` renews their table."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("jupyterhub", reason="JupyterHub is not installed (the hub extra has it)")

from nbseal_hub import settings as module
from nbseal_hub.settings import Containers, HubSettings, Limits, Lti, Tls, load_settings
from tests.samples import ROOT

PAGE = ROOT / "docs" / "operators.md"
BEGIN, END = "<!-- hub settings: python -m tests.unit.test_hub_docs -->\n", "<!-- end of hub settings -->"


def explanations() -> dict[str, str]:
    """What the source says of each setting, in the comment on its line."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    return dict(re.findall(r"^    (\w+): [^#\n]*# (.+)$", source, re.MULTILINE))


def settings_table() -> str:
    """Every setting with its default and meaning."""
    lines = ["", "| setting | default | meaning |", "|---|---|---|"]
    said = explanations()
    for kind, table in (
        (HubSettings, ""),
        (Limits, "[limits] "),
        (Tls, "[tls] "),
        (Lti, "[lti] "),
        (Containers, "[containers] "),
    ):
        for item in dataclasses.fields(kind):
            if item.name not in ("limits", "tls", "lti", "containers"):
                default = "" if item.default is dataclasses.MISSING else f"`{item.default!r}`".replace("'", '"')
                lines.append(f"| `{table}{item.name}` | {default} | {said[item.name]} |")
    return "\n".join([*lines, "", ""])


def test_the_table_of_settings_is_what_the_code_says():
    """Every setting of a hub is on the page, with its default; run this module to renew the table."""
    assert PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0] == settings_table()


def test_the_pages_settings_file_is_a_valid_one(tmp_path):
    """What the page tells to write is accepted, once the key and the certificate are there."""
    text = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)
    text = re.sub("^   ", "", text, flags=re.MULTILINE)
    for path in tomllib.loads(text)["tls"].values():
        (tmp_path / Path(path).name).touch()
        text = text.replace(path, str(tmp_path / Path(path).name))
    (tmp_path / "hub.toml").write_text(text, encoding="utf-8")
    made = load_settings(tmp_path / "hub.toml")
    assert made.port == 443
    assert made.accounts == "system"


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + settings_table() + END + rest.partition(END)[2], encoding="utf-8")
