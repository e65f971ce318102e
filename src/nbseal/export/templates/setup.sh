#!/usr/bin/env bash
# Prepares Gradescope's image: a Python of its own outside /autograder, the pinned packages, nbseal.
set -euo pipefail

SOURCE="${NBSEAL_AUTOGRADER:-/autograder}/source"
TARGET="${NBSEAL_ENVIRONMENT:-/opt/nbseal}"

export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends libseccomp2 ca-certificates

python=""
for version in 3.13 3.12 3.11; do
    if apt-get install -y --no-install-recommends "python$version" "python$version-venv"; then
        python="python$version"
        break
    fi
done
if [ -z "$python" ]; then
    echo "nbseal needs Python 3.11 or newer: choose a newer base image, for example Ubuntu 24.04." >&2
    exit 1
fi

"$python" -m venv "$TARGET"
"$TARGET/bin/python" -m pip install --no-cache-dir --requirement "$SOURCE/requirements.txt"
"$TARGET/bin/python" -m pip install --no-cache-dir --no-deps "$SOURCE"/nbseal-*.whl
chmod -R go-rwx "$SOURCE"
