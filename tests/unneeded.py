"""Leaves out a library of which nbgrader, by way of jsonschema, loads more than a second, and then uses nothing."""

import sys

# it knows addresses of a kind that notebooks don't have, and jsonschema does without
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
