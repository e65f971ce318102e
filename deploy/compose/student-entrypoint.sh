#!/bin/sh
# Runs the server as the number of its student, so that nobody else's server can read what it hands in.
set -eu

: "${NBSEAL_NUMBER:?the hub sets it: the user id of the student}"
if [ "$(stat -c %u "$HOME")" = 0 ]; then
    chmod 700 "$HOME"
    chown "$NBSEAL_NUMBER:$NBSEAL_NUMBER" "$HOME"
fi
exec setpriv --reuid "$NBSEAL_NUMBER" --regid "$NBSEAL_NUMBER" --clear-groups --inh-caps=-all --no-new-privs "$@"
