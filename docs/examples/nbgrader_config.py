"""The least that a course needs: its name, and nbgrader's autograde going through the sealed engine."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "example"
c.CourseDirectory.solution_directory = "solutions"

c.Autograde.exporter_class = "nbseal.nbgrader_plugin.SealedExporter"
c.Autograde.sanitize_preprocessors = ["nbseal.nbgrader_plugin.RebuildNotebook"]
c.Autograde.autograde_preprocessors = ["nbseal.nbgrader_plugin.SealedAutograde"]

c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {
    "markdown2html": "nbseal.notebook.rendering.markdown2html",
    "clean_html": "nbseal.notebook.rendering.clean_html",
}
