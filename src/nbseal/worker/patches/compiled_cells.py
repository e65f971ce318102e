"""Cells that are known before the first fork are read once: transformed, parsed and compiled for all submissions.

IPython transforms each cell twice, looks through it for ``await``, parses it and compiles every statement, and
ipykernel hashes it in Python. Most cells of a submission are the instructor's own, and the same for everybody. What
was read holds only as long as nobody has changed how IPython reads; tests/functional/test_fidelity.py shows that the
outputs are those of a kernel.

Measured: transforming, parsing and compiling the cells of an assignment takes 9 to 16 ms of processor time, which every
submission would spend again.
"""

from __future__ import annotations
import __future__

import ast
import functools
from types import CodeType
from typing import Any

import ipykernel.compiler
from ipykernel.compiler import XCachingCompiler, get_tmp_hash_seed
from IPython.core.async_helpers import _should_be_async

RELIES_ON = (
    "IPython.core.async_helpers._should_be_async",
    "IPython.core.compilerop.CachingCompiler",
)

FILES_OF_A_FORK = "/tmp/ipykernel_1"  # where a kernel that is process 1 says that its cells lie
TOP_LEVEL_AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
FUTURE_FLAGS = functools.reduce(
    int.__or__, (getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
)


class CompiledCells:
    """What was read before the first fork; ``shell`` reads through it from now on."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._as_shipped = self._transformers()
        self._texts: dict[str, str] = {}
        self._awaits: dict[str, bool] = {}
        self._transform, self._should_run_async = shell.transform_cell, shell.should_run_async
        shell.transform_cell, shell.should_run_async = self.transform, self.should_run_async
        ipykernel.compiler.murmur2_x86 = functools.cache(ipykernel.compiler.murmur2_x86)
        shell.compile = self._compiler = Compiler(shell)
        self._run_nodes = shell.run_ast_nodes
        shell.run_ast_nodes = self.run_ast_nodes

    def read(self, source: str) -> None:
        """Read a cell as IPython will, once a fork of this process runs it."""
        try:
            text = self._texts[source] = str(self._transform(source))
            self._awaits[text] = _should_be_async(text)
            self._compiler.read(source, text)
        except (SyntaxError, ValueError):
            return  # a stub that waits for the student: IPython will say so itself

    def transform(self, source: str) -> str:
        """What IPython makes of a cell."""
        if self._transformers() != self._as_shipped:
            return str(self._transform(source))
        if source not in self._texts:
            self._texts[source] = str(self._transform(source))
        return self._texts[source]

    def should_run_async(self, source: str, **known: Any) -> bool:
        """Whether a cell awaits something."""
        text = known.get("transformed_cell")
        if self._shell.autoawait and known.get("preprocessing_exc_tuple") is None and text in self._awaits:
            return self._awaits[text]
        return bool(self._should_run_async(source, **known))

    def run_ast_nodes(
        self, nodes: Any, name: str, interactivity: Any = "last_expr", compiler: Any = compile, result: Any = None
    ) -> Any:
        """Run a cell's statements. This returns the shell's own coroutine, so no frame of ours is in a traceback."""
        if compiler is self._compiler and self._shell.autoawait:
            compiler = self._compiler.code_of(nodes, name) or compiler
        return self._run_nodes(nodes, name, interactivity, compiler, result)

    def _transformers(self) -> list[list[Any]]:
        manager = self._shell.input_transformer_manager
        return [
            list(manager.cleanup_transforms),
            list(manager.line_transforms),
            list(manager.token_transformers),
            list(self._shell.input_transformers_post),
        ]


class Compiler(XCachingCompiler):  # type: ignore[misc]
    """ipykernel's compiler, which has the trees and the code of known cells already."""

    def __init__(self, shell: Any) -> None:
        super().__init__()
        self._shell = shell
        self._trees: dict[tuple[str, int], ast.Module] = {}
        self._codes: dict[tuple[int, str, str, int], CodeType] = {}

    def read(self, source: str, text: str) -> None:
        """Parse a cell, and compile its statements one by one: the last one alone may show its value."""
        number = ipykernel.compiler.murmur2_x86(source, get_tmp_hash_seed())
        name = f"{FILES_OF_A_FORK}/{number}.py"
        tree = self._trees[text, self.flags] = super().ast_parse(text, name)
        flags = self.flags | TOP_LEVEL_AWAIT
        for node in tree.body:
            shown = node is tree.body[-1] and isinstance(node, ast.Expr)
            module, mode = (ast.Interactive([node]), "single") if shown else (ast.Module([node], []), "exec")
            code = compile(module, name, mode, flags, True)
            if not code.co_flags & FUTURE_FLAGS:
                self._codes[id(node), name, mode, flags] = code

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
        """Name a cell. IPython parses it next, and is then given the tree that there is.

        Where there is none, ipykernel's own method does it: its errors show no frame of ours.
        """
        self.__dict__.pop("ast_parse", None)
        tree = self._trees.get((transformed_code, self.flags))
        if tree is not None and not self._shell.ast_transformers:

            def give(*args: Any, **kwargs: Any) -> ast.AST:
                del self.ast_parse
                return tree

            self.ast_parse = give
        return str(super().cache(transformed_code, number, raw_code))

    def code_of(self, nodes: list[ast.stmt], name: str) -> Codes | None:
        """A compiler that has the code of all these statements of a cell, if there is one."""
        flags = self.flags | TOP_LEVEL_AWAIT
        known = all(any((id(node), name, mode, flags) in self._codes for mode in ("exec", "single")) for node in nodes)
        return Codes(self, self._codes) if nodes and known else None


class Codes:
    """Stands in for the compiler where there is nothing left to be compiled."""

    def __init__(self, compiler: Compiler, codes: dict[tuple[int, str, str, int], CodeType]) -> None:
        self._compiler = compiler
        self._codes = codes
        self.extra_flags = compiler.extra_flags

    def __call__(self, source: ast.Module | ast.Interactive, filename: str, symbol: str) -> CodeType:
        key = id(source.body[0]), filename, symbol, self._compiler.flags
        return self._codes[key] if key in self._codes else self._compiler(source, filename, symbol)
