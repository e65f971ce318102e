"""Attempts to have the feedback page tell what a hidden test gave to a function."""

from __future__ import annotations

from tests.hostile.attack import HONEST, attack

ATTACKS = [
    attack(
        "cannot_publish_hidden_inputs_in_an_exception",
        "A hidden input that a function puts into its exception is not shown.",
        wrong="reverse",
        reverse="def reverse(text):\n    raise ValueError(text)",
    ),
    attack(
        "cannot_publish_hidden_inputs_in_the_name_of_an_exception",
        "A hidden input that a function makes the name of its exception is not shown.",
        wrong="reverse",
        reverse="def reverse(text):\n    raise type(text, (Exception,), {})(text)",
    ),
    attack(
        "cannot_publish_hidden_inputs_by_a_key_error",
        "A hidden input that Python itself puts into an exception is not shown.",
        wrong="reverse",
        reverse="def reverse(text):\n    return {}[text]",
    ),
    *[
        attack(
            f"cannot_publish_hidden_inputs_{name}",
            f"A hidden input is not shown {about}.",
            wrong="reverse",
            reverse=f"def reverse(text):\n{body}",
        )
        for name, about, body in [
            (
                "in_the_words_of_python",
                "in a sentence that Python uses for names",
                """    raise AttributeError(f"'{text}' object has no attribute '{text}'")""",
            ),
            (
                "in_the_gaps_of_a_text",
                "where a text of the author's is filled in",
                """    raise ValueError(f"This text is strange: {text}; what is it?")""",
            ),
            (
                "in_a_line_of_source",
                "as the line in which an error occurred",
                """    import linecache
    name = "/tmp/ipykernel_1/1.py"
    linecache.cache[name] = 1, None, [f"raise ValueError('{text}')\\n"], name
    exec(compile("raise ValueError", name, "exec"))""",
            ),
            ("in_the_type_of_a_value", "as the name of a type", """    return type(text, (), {})()"""),
            ("in_a_value_of_the_wrong_kind", "as a value of the wrong kind", """    return text.encode()"""),
            ("in_a_key", "as the key of a wrong value", """    return {text: text}"""),
        ]
    ],
    attack(
        "cannot_publish_hidden_inputs_by_a_forged_hint",
        "A hidden input that comes back as a name or a line of source is not shown.",
        wrong="reverse",
        reverse=HONEST["reverse"],
        after="""
import nbseal.worker.answers as answers
def forge(self, message, original=answers.Answers._in_time):
    if message["do"] == "call" and message["function"] == "reverse":
        return {"missing": True, "near": message["args"][0].replace("-", "_")}
    return original(self, message)
answers.Answers._in_time = forge
""",
    ),
]
