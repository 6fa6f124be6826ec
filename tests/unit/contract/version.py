#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The name of the build: release and commit in a repository, ".dirty" once a file differs, the release
alone in a tarball, even inside somebody else's repository. Builds dataplane/contract alone, in a
repository made for it.

usage: version.py SOURCE_ROOT
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

PROJECT = """project('towpath', 'cpp', version: '1.2.3', default_options: ['cpp_std=c++20'])
root_inc = include_directories('.')
dataplane_args = []
subdir('dataplane/wire')
subdir('dataplane/contract')
executable('named', 'main.cc', dependencies: version_dep, include_directories: root_inc)
"""
MAIN = """#include <cstdio>
#include "dataplane/contract/version.h"
int main() { std::puts(towpath::contract::kBuild.data()); }
"""


def must(*argv, folder):
    return subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def git(*argv, folder):
    return must("git", "-c", "user.name=test", "-c", "user.email=test@example.org", *argv,
                folder=folder)


def copy_into(tree, source):
    for part in ("wire", "contract"):
        shutil.copytree(source / "dataplane" / part, tree / "dataplane" / part)
    (tree / "meson.build").write_text(PROJECT, encoding="ascii")
    (tree / "main.cc").write_text(MAIN, encoding="ascii")
    (tree / ".gitignore").write_text("build/\n", encoding="ascii")


def name_of(tree):
    if not (tree / "build").exists():
        must("meson", "setup", "build", folder=tree)
    must("ninja", "-C", "build", "named", folder=tree)
    return must("build/named", folder=tree)


def expect(got, pattern, what):
    if not re.fullmatch(pattern, got):
        sys.exit(f"{what}: {got!r} is not {pattern}")


def main():
    source = pathlib.Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder, "tree")
        tree.mkdir()
        copy_into(tree, source)
        git("init", "-q", folder=folder)
        git("commit", "-q", "--allow-empty", "-m", "around it", folder=folder)
        expect(name_of(tree), r"1\.2\.3", "a tarball inside another repository")
        git("init", "-q", folder=tree)
        git("add", "-A", folder=tree)
        git("commit", "-q", "-m", "all of it", folder=tree)
        commit = git("rev-parse", "--short=10", "HEAD", folder=tree)
        expect(name_of(tree), rf"1\.2\.3\+{commit}", "a commit")
        with open(tree / "main.cc", "a", encoding="ascii") as file:
            file.write("// changed\n")
        expect(name_of(tree), rf"1\.2\.3\+{commit}\.dirty", "a changed file")


main()
