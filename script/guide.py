#!/usr/bin/env python3
"""Runs the blocks of Python in docs/guide, page by page, each page's in one namespace and a folder of its own.

Needs the Python package and requirements-exports.txt. What the pages' shells do is run by `cargo test --test command pages`.
"""

import os
import re
import sys
import tempfile
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "docs" / "guide"


def main():
    ran = 0
    for page in sorted(PAGES.glob("*.md")):
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            names = {}
            for number, block in enumerate(blocks, 1):
                exec(compile(block, f"{page.name}, block {number}", "exec"), names)
                ran += 1
            os.chdir(PAGES)
    print(f"{ran} blocks ran")
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
