# SPDX-License-Identifier: BSD-3-Clause
"""The three build trees under build/ and what is built in each. A tree is configured once; a change
of its settings starts it afresh."""

import json
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
SANITIZE = ["-Dbuildtype=debugoptimized", "-Doptimization=1", "-Db_lundef=false"]
SETTINGS = {
    # What is shipped and measured. Link-time optimisation changes nothing that tests/bench can see
    # and would link every test program for a second time.
    "release": ("gcc", ["-Dbuildtype=release"]),
    # What finds undefined behaviour and memory errors, and a second opinion on every line. Clang 14
    # takes half the time that GCC 12 needs for this; one tree for unit tests and libFuzzer compiles
    # what both need once.
    "asan": ("clang", [*SANITIZE, "-Db_sanitize=address,undefined",
                       "-Dcpp_args=-fsanitize=fuzzer-no-link"]),
    # What finds data races: the tests of the suite `threads` only. Of debug information only what
    # a stack trace needs: all of it takes half as long again to compile.
    "tsan": ("gcc", [*SANITIZE, "-Dcpp_args=-g1", "-Db_sanitize=thread"]),
}
COMPILERS = {"gcc": ("gcc", "g++"), "clang": ("clang-14", "clang++-14")}
CONFIGURE_LIMIT_S = 120
BUILD_LIMIT_S = 1500


def run(command, limit_s, **keywords):
    """Runs to the end or to the limit; output as text in `.stdout`. Never reads our stdin."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", cwd=ROOT,
                          timeout=limit_s, check=False, **keywords)


def must(command, limit_s, **keywords):
    done = run(command, limit_s, **keywords)
    if done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-60:]), flush=True)
        raise RuntimeError(f"{' '.join(map(str, command[:4]))} ended with {done.returncode}")
    return done.stdout


def configure(name):
    folder = BUILD / name
    compiler, options = SETTINGS[name]
    c_compiler, cpp_compiler = COMPILERS[compiler]
    launcher = "ccache " if shutil.which("ccache") else ""
    environment = {**os.environ, "CC": launcher + c_compiler, "CXX": launcher + cpp_compiler}
    stamp = folder / "towpath-settings.json"
    wanted = json.dumps([c_compiler, launcher, options])
    is_current = stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted
    if not is_current or not (folder / "build.ninja").is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(exist_ok=True)
        must(["/usr/bin/meson", "setup", str(folder), str(ROOT), *options], CONFIGURE_LIMIT_S,
             env=environment)
        stamp.write_text(wanted, encoding="utf-8")
    else:
        # Adds what new meson.build files brought.
        must(["ninja", "-C", str(folder), "build.ninja"], CONFIGURE_LIMIT_S, env=environment)
    return folder


def build(name, targets=()):
    """Builds the given programs, or everything; returns the folder."""
    folder = configure(name)
    must(["ninja", "-k", "20", "-C", str(folder), *targets], BUILD_LIMIT_S)
    return folder


def introspect(folder, what):
    done = subprocess.run(["/usr/bin/meson", "introspect", str(folder), f"--{what}"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
                          timeout=CONFIGURE_LIMIT_S)
    return json.loads(done.stdout)


def tests_of(folder, suite):
    """What meson.build registered with test() under this suite."""
    return [test for test in introspect(folder, "tests")
            if suite in [label.split(":")[-1] for label in test["suite"]]]


def programs_of(folder, tests):
    """Build targets of the programs that these tests run, and of what those depend on."""
    files = {target["id"]: target["filename"] for target in introspect(folder, "targets")}
    found = set()
    for test in tests:
        needed = [file for target in test["depends"] for file in files.get(target, [])]
        for part in [*test["cmd"], *needed]:
            if part.startswith(str(folder) + "/"):
                found.add(os.path.relpath(part, folder))
    return sorted(found)
