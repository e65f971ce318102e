"""Settings of this course; every option of nbgrader and of nbseal can be set here."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "nn101"
c.CourseDirectory.solution_directory = "solutions"
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("Your turn: replace this line with your answer.")'}
c.ClearSolutions.text_stub = "*Your turn: write your answer here.*"

# Limits of the sealed process (see `nbseal doctor` and docs/instructors.md for all of them)
c.Seal.cell_seconds = 10.0
c.Seal.notebook_seconds = 60.0
c.Seal.hidden_tests_seconds = 180.0  # 02-xor trains up to forty networks
c.Seal.memory_mib = 2048
c.Seal.preload_calls = {name: ["digits:load"] for name in ("04-backprop", "05-mnist", "08-deep")}
c.Seal.warm_environment = ["SCIKIT_LEARN_DATA", "XDG_CACHE_HOME", "DIGITS_OFFLINE"]

# One self-check for all notebooks; `nbseal lint` proves the copies equal
c.Sources.shared_files = ["self_check.py"]
# Where to run a notebook, and the cell that fetches its files on Colab: the address of the course's repository stands
# in source/support_files.py. `nbseal lint --write-cells` writes both texts into all notebooks.
c.Sources.shared_cells = {
    "where-to-run": "source/where_to_run.md",
    "support-files": "source/support_files.py",
}
c.Sources.named_cells = True
c.Sources.cell_seconds = 1800.0  # training takes its time
c.Sources.solution_needs = {  # the real MNIST, and what trains on it
    "04-backprop": "networks:missing",
    "05-mnist": "saved_network:missing",
    "08-deep": "training:lacking",
}

# nbgrader's autograde (and the formgrader's button) goes through the sealed engine
c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]

# and its pages read the times of submissions as they are recorded
from nbseal.gradebook.formgrader import read_times_as_recorded  # noqa: E402

read_times_as_recorded()

# and its long tasks are done outside its process, which serves all instructors
from nbseal.formgrader import use_queue  # noqa: E402

use_queue()

# what students wrote is shown on feedback pages and in the formgrader, and can't act there
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "nbseal.notebook.rendering.markdown2html",
    "clean_html": "nbseal.notebook.rendering.clean_html",
}

# the page that students get back: nothing from the network, no script, readable on a phone
c.GenerateFeedback.exporter_class = "nbseal.feedback.FeedbackExporter"

# in exported marks no name is a formula
c.ExportApp.plugin_class = "nbseal.export.SafeCsvExport"
