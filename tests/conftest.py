"""Which tests stay together when two processes share them."""

import pytest


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in its own hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep in one process what shares costly fixtures: a module's tests, or those of one assignment in it."""
    for item in items:
        parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        assignment = parameters.get("assignment") or getattr(parameters.get("sample"), "assignment", "")
        item.add_marker(pytest.mark.xdist_group(f"{item.nodeid.split('::')[0]} {assignment}"))
