"""Has nbgrader make the tests of AUTOTEST lines: it runs the solution in a kernel and writes down what comes out."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError
from nbgrader.preprocessors import InstantiateTests
from traitlets.config import Config

from nbseal.course import Sources
from nbseal.files import digest_of
from nbseal.text import one_line

# The same notebook is asked for as release, as solution and as template: the cells' sources, by all they depend on.
_MADE: dict[str, list[str]] = {}


class MadeTests(InstantiateTests):  # type: ignore[misc]
    """nbgrader's step with an end to each cell and to its kernel, whatever happens; a ValueError says what is wrong.

    ``resources["metadata"]["path"]`` is a folder in which the kernel may work, with the assignment's support files.
    """

    client: Any = None
    kc: Any

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Replace AUTOTEST lines by tests, as ``nbgrader generate_assignment`` does."""
        if not uses_autotests(nb, self.autotest_delimiter):
            return nb, resources
        folder = Path(resources["metadata"]["path"])
        self.autotest_filename = str(self._templates(folder))
        key = _digest(nb, folder, self)
        if key not in _MADE:
            try:
                nb, resources = super().preprocess(nb, resources)
            except LookupError as error:
                raise ValueError(f"{self.autotest_filename} has no {error}, which nbgrader asks for") from error
            finally:
                self._end_kernel()
            _MADE[key] = [cell["source"] for cell in nb["cells"]]
        for cell, source in zip(nb["cells"], _MADE[key], strict=True):
            cell["source"] = source
        return nb, resources

    def preprocess_cell(self, cell: Any, resources: Any, index: int) -> tuple[Any, Any]:
        """Run a cell in nbgrader's kernel, and write its tests."""
        seconds = Sources(config=self.config).cell_seconds
        if self.client is None:
            self.client = client = self.kc
            client.execute_interactive = functools.partial(client.execute_interactive, timeout=seconds)
        try:
            super().preprocess_cell(cell, resources, index)
            return cell, resources
        except CellExecutionError as error:
            why = one_line(f"raises {error.ename}: {error.evalue}")
        except TimeoutError:
            why = f"takes more than {seconds:g} seconds (c.Sources.cell_seconds)"
        except Exception as error:
            if type(error) is not Exception:
                raise
            why = f"has an {self.autotest_delimiter} line, but is no cell of tests"  # nbgrader says it in its log only
        first = (cell["source"].strip().splitlines() or [""])[0][:60]
        raise ValueError(f"the tests of {self.autotest_delimiter} lines can't be made: the cell {first!r} {why}")

    def _templates(self, folder: Path) -> Path:
        """The file of test templates: the assignment's own or the course's."""
        root = Path(str(self.config.CourseDirectory.get("root", ".")))
        for path in (folder / self.autotest_filename, root / self.autotest_filename):
            if path.is_file():
                return path
        raise ValueError(
            f"{self.autotest_delimiter} lines need a file {self.autotest_filename} with test templates, in the "
            f"assignment's folder or in {root}"
        )

    def _end_kernel(self) -> None:
        if self.client is not None:
            self.client.stop_channels()
            if self.client.parent.has_kernel:
                self.client.parent.shutdown_kernel(now=True)
        self.client = self.kc = None


def uses_autotests(nb: Any, delimiter: str) -> bool:
    """Whether nbgrader would look for tests to make: a code cell holds its delimiter."""
    return any(cell["cell_type"] == "code" and delimiter in cell["source"] for cell in nb["cells"])


def make_tests(nb: Any, path: Path, config: Config) -> None:
    """Replace the AUTOTEST lines of the notebook that was read from ``path`` by tests, in place.

    The kernel works in a copy of the notebook's folder. ValueError if the tests can't be made.
    """
    step = MadeTests(config=config)
    if not step.enabled or not uses_autotests(nb, step.autotest_delimiter):
        return
    with tempfile.TemporaryDirectory(prefix="nbseal-autotests-") as scratch:
        folder = Path(scratch, path.parent.name)
        shutil.copytree(path.parent, folder, ignore=shutil.ignore_patterns("*.ipynb", ".ipynb_checkpoints"))
        step.preprocess(nb, {"metadata": {"path": str(folder)}})


def _digest(nb: Any, folder: Path, step: MadeTests) -> str:
    """Identifies what the tests depend on: cells, support files, templates, settings."""
    support = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.suffix != ".ipynb"}
    files = {name: path.read_bytes() for name, path in support.items() if path.is_file()}
    cells = [(cell["cell_type"], cell["source"]) for cell in nb["cells"]]
    kernel = nb["metadata"].get("kernelspec", {}).get("name")
    settings = [repr(step.config.get("InstantiateTests", {})), kernel]
    files["/cells"] = json.dumps([cells, settings]).encode()
    files["/templates"] = Path(step.autotest_filename).read_bytes()
    return digest_of(files)
