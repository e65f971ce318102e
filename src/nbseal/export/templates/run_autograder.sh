#!/usr/bin/env bash
# Grades one submission with nbseal, and says so in results.json if even that can't be started.
AUTOGRADER="${NBSEAL_AUTOGRADER:-/autograder}"
PYTHON="${NBSEAL_ENVIRONMENT:-/opt/nbseal}/bin/python"
RESULTS="$AUTOGRADER/results/results.json"

mkdir -p "$AUTOGRADER/results"
rm -f "$RESULTS"
"$PYTHON" -I -m nbseal.gradescope "$AUTOGRADER"
if [ ! -s "$RESULTS" ]; then
    echo "nbseal did not start: see the messages above, and the build log of setup.sh." >&2
    cat >"$RESULTS" <<'END'
{"output": "The autograder could not be started, so this submission has no mark yet; it isn't a zero. Please tell your instructor.",
 "output_format": "text",
 "stdout_visibility": "hidden",
 "tests": [{"name": "Not graded", "output": "A person must look at this submission.", "output_format": "text"}]}
END
fi
