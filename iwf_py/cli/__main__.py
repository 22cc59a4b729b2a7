"""``python -m iwf_py.cli`` is ``iwf``."""

from __future__ import annotations

import sys

from iwf_py.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
