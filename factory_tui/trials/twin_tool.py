#!/usr/bin/python3 -IS
"""The command `twin` in a builder's box: hands its words to the control, prints the answer.

It runs with whatever Python the box has, so it uses nothing but the standard library.
"""

import json
import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Ask once; 0 when it was done, 1 when it was refused, 2 when nobody is there to ask."""
    where = os.environ.get("TWINS_CONTROL", "")
    body = json.dumps(sys.argv[1:]).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(where, body)) as answer:
            print(answer.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        print(f"twin: {error.read().decode()}", file=sys.stderr)
        return 1
    except (OSError, ValueError) as error:
        print(f"twin: the services' control cannot be reached: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
