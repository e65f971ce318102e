"""``python -m nbseal.lti KEY.pem``: the public half of a key, as platforms take it."""

import json
import sys
from pathlib import Path

from nbseal.errors import CourseError
from nbseal.lti.keys import public_keys, read_key

if len(sys.argv) != 2:
    sys.exit("usage: python -m nbseal.lti KEY.pem")
try:
    print(json.dumps(public_keys(read_key(Path(sys.argv[1]))), indent=1))
except CourseError as error:
    sys.exit(str(error))
