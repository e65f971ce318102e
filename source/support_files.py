def support_files(assignment, course="https://github.com/COURSE_OWNER/COURSE_REPOSITORY"):
    """Do nothing where the assignment's files lie beside this notebook; on Colab, fetch them from the course."""
    import os
    import shutil
    import subprocess
    import sys
    import tempfile

    if os.path.exists("self_check.py") or "NBGRADER_EXECUTION" in os.environ:
        return
    advice = f"Unpack the whole folder {assignment} that you were given, and open the notebook in that folder."
    if "google.colab" in sys.modules:
        with tempfile.TemporaryDirectory() as copy:
            subprocess.run(["git", "clone", "--quiet", "--depth=1", course, copy])
            folder = os.path.join(copy, "release", assignment)
            if os.path.isdir(folder):
                shutil.copytree(folder, ".", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.ipynb"))
                return
        advice = f"Click on the folder at Colab's left edge, and drop all files of your folder {assignment} there."
    raise FileNotFoundError(f"The files that belong to this notebook aren't here (self_check.py and others). {advice}")


support_files("<assignment>")
