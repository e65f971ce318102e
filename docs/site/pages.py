"""The pages made for the site: beginning, map, glossary, recall, and the instructors' page of each assignment."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sources
from notebooks import Notebook, released

HERE = Path(__file__).parent
OF_THE_COURSE = ("docs/course.md", "docs/course-sources.md")
FOR_TEACHERS = ("docs/instructors.md", "docs/graders.md")
FOR_OPERATORS = ("docs/operators.md", "docs/scale.md", "docs/security.md")
OF_THE_ENGINE = (
    "README.md", "docs/architecture.md", "docs/decisions.md", "docs/attacks.md", "benchmarks/results.md",
    "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "source/09-cloud/README.md",
)  # fmt: skip
OWN_NAMES = {
    "README.md": "About the project",
    "SECURITY.md": "Reporting a hole",
    "source/09-cloud/README.md": "Data of 09-cloud",
}


def write(root: Path, teachers: bool) -> dict[str, str]:
    """All pages by path; "" for one that is a file of the course.

    ValueError says what to mend if a notebook and what is written about it here don't agree.
    """
    notebooks = released(root)
    about = {one.name: told(one) for one in notebooks}
    own = ["docs/students.md", *(name for name in OF_THE_COURSE if (root / name).exists())]
    if teachers:
        own += [*FOR_TEACHERS, *FOR_OPERATORS, *(name for name in OF_THE_ENGINE if (root / name).exists())]
    found = dict.fromkeys(own, "")
    for one in notebooks:
        found[f"release/{one.name}/{one.name}.ipynb"] = sources.with_note(one, note(one, about[one.name]))
        found[f"recall/{one.name}.md"] = recall(one, about[one.name])
        if teachers:
            found[f"teaching/{one.name}.md"] = teaching(root, one, about[one.name])
    found["map.md"] = "\n".join(course_map(notebooks, about))
    found["drawing-pad.md"] = (HERE / "drawing_pad.md").read_text(encoding="utf-8")
    found["glossary.md"] = "\n".join(glossary(notebooks))
    found["index.md"] = "\n".join(beginning(notebooks, own, teachers))
    return found


def told(notebook: Notebook) -> dict[str, Any]:
    """What is written by hand about an assignment; ValueError if it doesn't fit the notebook."""
    path = HERE / "assignments" / f"{notebook.name}.toml"
    if not path.exists():
        raise ValueError(f"{path} is missing: write it as its neighbours are written, or take the assignment away.")
    about = tomllib.loads(path.read_text(encoding="utf-8"))
    names = [question.name for question in notebook.questions]
    if sorted(about["ask"]) != sorted(names):
        raise ValueError(f"{path}, [ask]: the notebook has the questions {', '.join(names)}: one line for each.")
    wanted, served = notebook.objectives or list(about["objectives"]), about["objectives"]
    for objective in wanted:
        if not any(objective.startswith(start) for start in served):
            raise ValueError(f'{path}, [objectives]: no line for "{objective}": name the questions that serve it.')
    unknown = {name for listed in served.values() for name in listed} - set(names)
    if unknown:
        raise ValueError(f"{path}, [objectives]: {', '.join(sorted(unknown))} isn't a question of the notebook.")
    return about


def points(notebook: Notebook) -> str:
    """The sum of its points, as a whole number."""
    return f"{sum(question.points for question in notebook.questions):g}"


def link(notebook: Notebook, text: str, anchor: str = "", up: str = "") -> str:
    """A link to a notebook's page, from a page that lies ``up`` below the site's beginning."""
    return f"[{text}]({up}release/{notebook.name}/{notebook.name}.ipynb{'#' if anchor else ''}{anchor})"


def note(notebook: Notebook, about: dict[str, Any]) -> str:
    """What stands below the heading of a notebook's page."""
    name = notebook.name
    return (
        ":::{admonition} Before you begin\n:class: note\n\n"
        f"**{points(notebook)} points · {notebook.minutes}.** This page is for reading. To work on the notebook, fetch "
        f"`{name}` on your hub, or unpack [its folder](../../downloads/{name}.zip) and start JupyterLab in it. "
        f"[Working on a notebook](../../docs/students.md) says more; afterwards, "
        f"[what do you remember?](../../recall/{name}.md){about.get('also', '')}\n:::\n"
    )


def beginning(notebooks: list[Notebook], own: list[str], teachers: bool) -> Iterator[str]:
    """The page that the site opens with, and the order of all others."""
    yield "# Neural networks, autograded\n"
    yield (
        "A course in notebooks, from one neuron to handwriting and services in the cloud. You write short answers in "
        "Python, see at once what they do, and hand them in; hidden tests give the marks and say what to fix.\n"
    )
    yield "| notebook | points | time |\n|---|--:|---|"
    for one in notebooks:
        yield f"| {link(one, one.name)} {one.title} | {points(one)} | {one.minutes} |"
    yield "\nNew here? Read [how to work on a notebook](docs/students.md), then begin with the first one. "
    yield "The [map](map.md) shows which question serves which objective, "
    yield "the [glossary](glossary.md) where a word comes up first.\n"
    if teachers:
        yield (
            "These pages are the teachers': the pages on teaching quote wrong answers. Give students the other site, "
            "`site/students`, which has everything else that they need.\n"
        )
    yield from _tree("The course", [path for one in notebooks for path in _course_pages(one)])
    yield from _tree(
        "Find your way", ["map", "glossary", "drawing-pad", *(name for name in own if name in OF_THE_COURSE)]
    )
    yield from _tree("For students", ["docs/students.md"])
    if teachers:
        yield from _tree("Teaching", [*(f"teaching/{one.name}" for one in notebooks), *FOR_TEACHERS])
        yield from _tree("Operating", list(FOR_OPERATORS))
        yield from _tree("The engine", [name for name in own if name in OF_THE_ENGINE])


def _course_pages(notebook: Notebook) -> list[str]:
    """A notebook and the questions after it, named so that the side bar is easy to scan."""
    name = notebook.name
    return [f"{name}: {notebook.title} <release/{name}/{name}>", f"{name}: remember? <recall/{name}>"]


def _tree(caption: str, names: list[str]) -> Iterator[str]:
    yield f":::{{toctree}}\n:hidden:\n:caption: {caption}\n"
    for name in names:
        plain = name.removesuffix(".md")
        yield f"{OWN_NAMES[name]} <{plain}>" if name in OWN_NAMES else plain
    yield ":::\n"


def course_map(notebooks: list[Notebook], about: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Objectives and the questions that serve them, notebook by notebook."""
    yield "# Objectives and questions\n"
    yield "What you can do after each notebook, and the questions in which you learn it.\n"
    for one in notebooks:
        at = {question.name: question for question in one.questions}
        served = about[one.name]["objectives"]
        yield f"## {one.name} · {one.title}\n"
        yield f"**Before it:** {one.needs}\n\n**Time:** {one.minutes}. **Points:** {points(one)}.\n"
        yield "| afterwards you can | questions |\n|---|---|"
        for objective in one.objectives or list(served):
            names = next(names for start, names in served.items() if objective.startswith(start))
            yield f"| {objective} | {', '.join(link(one, f'`{name}`', at[name].anchor) for name in names)} |"
        yield ""


def glossary(notebooks: list[Notebook]) -> Iterator[str]:
    """Every term with its meaning and the section where it comes up first.

    ValueError if no notebook uses a term.
    """
    path = HERE / "glossary.toml"
    yield "# Glossary\n\nThe words of the course, each with the section that introduces it.\n"
    yield "::::{container} glossary\n\n| word | meaning | first in |\n|---|---|---|"
    for term, entry in sorted(
        tomllib.loads(path.read_text(encoding="utf-8")).items(), key=lambda item: item[0].lower()
    ):
        places = [(one, place) for one in notebooks if (place := one.place_of(entry.get("pattern", term)))]
        if not places:
            raise ValueError(f"{path}: no notebook uses {term}: take it out, or fix its pattern.")
        one, (_, anchor) = next((pair for pair in places if pair[1][0]), places[0])
        yield f"| {term} | {entry['meaning']} | {link(one, one.name, anchor)} |"
    yield "\n::::\n"


def recall(notebook: Notebook, about: dict[str, Any]) -> str:
    """Questions to answer from memory after a notebook; nobody marks them."""
    lines = [
        f"# What do you remember of {notebook.name}?\n",
        f"Answer each question in your head or on paper, then open it. Nobody marks this. Best a day after "
        f"{link(notebook, notebook.name, up='../')}, before you begin the next notebook.\n",
    ]
    for question in about["recall"]:
        lines.append(f"<details><summary>{question['ask']}</summary>\n\n{question['answer']}\n\n</details>\n")
    return "\n".join(lines)


def teaching(root: Path, notebook: Notebook, about: dict[str, Any]) -> str:
    """Pacing, mistakes with what to say, and questions to discuss."""
    lines = [
        f"# Teaching {notebook.name}\n",
        f"{link(notebook, notebook.title, up='../')} · {points(notebook)} points.\n",
    ]
    lines += [f"## Pacing\n\nStudents are told: {notebook.minutes}.\n", about["pacing"].strip() + "\n"]
    lines += ["## Common mistakes and what to say\n"]
    lines += [
        "The lists come from the wrong answers that the graders are proved on. After each mistake come the marks that "
        "it gets, and words from the feedback that the student reads.\n"
    ]
    cases = mistakes(root, notebook.name)
    for question in notebook.questions:
        lines.append(f"### {question.name}\n")
        lines.append(f"**Ask:** {about['ask'][question.name]}\n")
        for case, expected in cases.get(question.name, []):
            words = ", ".join(f"“{word}”" for word in expected.get("words", []))
            marks = f"{expected['score']:g} of {question.points:g}"
            lines.append(f"- {case} ({marks}{'; feedback: ' + words if words else ''})")
        lines.append("" if question.name in cases else "People mark this one.\n")
    lines += ["## To discuss\n", *(f"- {question}" for question in about["discuss"]), ""]
    return "\n".join(lines)


def mistakes(root: Path, assignment: str) -> dict[str, list[tuple[str, dict[str, Any]]]]:
    """The known wrong answers of an assignment by question: what each does, and the marks and words that it gets."""
    found: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for path in sorted((root / "graders" / "cases" / assignment).glob("fail_*/submission.toml")):
        case = tomllib.loads(path.read_text(encoding="utf-8"))
        if case.get("base", "solution") != "solution" or case.get("alone"):
            continue
        for question, expected in case.get("expect", {}).items():
            found.setdefault(question, []).append((case["about"], expected))
    return found
