#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs clang-tidy over the sources of the build tree of Clang, as many at once as there are cores.
What it looks for stands in the .clang-tidy of the source's folder and of those above. What was clean
stays clean until it or something that it includes changes: clean runs are remembered in the user's
cache by a hash of the preprocessed source.

Usage: clang_tidy.py [FILE...]   default: every source that this tree compiles
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TREE = ROOT / "build/asan"
# Outside the tree, so that another clone need not look again at what was clean.
MEMORY = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache",
                      "towpath-clang-tidy")


def fingerprint(entry):
    """Everything that the verdict depends on: the preprocessed text, the checks and the tool."""
    arguments = shlex.split(entry["command"])
    command = [*arguments[:arguments.index("-MD")], "-E", entry["file"]]
    text = subprocess.run(command, cwd=entry["directory"], capture_output=True, check=True,
                          stdin=subprocess.DEVNULL).stdout
    state = hashlib.sha256(text)
    for folder in pathlib.Path(entry["directory"], entry["file"]).resolve().parents:
        if folder.is_relative_to(ROOT) and (folder / ".clang-tidy").exists():
            state.update((folder / ".clang-tidy").read_bytes())
    state.update(entry["command"].encode())
    return state.hexdigest()


def examine(entry):
    """Nothing when clean, else what clang-tidy said."""
    mark = MEMORY / fingerprint(entry)
    if mark.exists():
        return ""
    done = subprocess.run(["clang-tidy", "--quiet", "-p", str(TREE), entry["file"]],
                          cwd=entry["directory"], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        mark.touch()
        return ""
    return done.stdout or done.stderr


def main():
    MEMORY.mkdir(parents=True, exist_ok=True)
    entries = json.loads((TREE / "compile_commands.json").read_text(encoding="utf-8"))
    wanted = {str(pathlib.Path(name).resolve()) for name in sys.argv[1:]}
    chosen = {}
    for entry in entries:
        file = str(pathlib.Path(entry["directory"], entry["file"]).resolve())
        # What the build writes is no source of ours, and is not there before a build.
        is_source = file.startswith(str(ROOT)) and not file.startswith(str(TREE))
        if is_source and (not wanted or file in wanted):
            chosen.setdefault(file, entry)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for problem in pool.map(examine, chosen.values()):
            if problem:
                failed += 1
                print(problem, flush=True)
    print(f"clang-tidy: {len(chosen)} sources, {failed} with problems")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
