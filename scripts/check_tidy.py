#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the house rules that a compiler does not: lengths, banned words and calls, dead files.

Rules: a file has at most 400 lines, a function at most 70 (found by matching braces, so a
heuristic); the first line names the licence; no clock, entropy or sleep outside the folders that
own them; no leftover markers; no path of somebody's machine; no header that nobody includes and no
source that no meson.build lists; every DropReason is named by a test.

Usage: check_tidy.py [ROOT]        check a tree (default: this repository)
       check_tidy.py --self-test   prove that bad samples are refused (check_tidy_samples.py)
"""

import pathlib
import re
import sys

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
CODE = {".h", ".cc", ".c"}
TOP = ("dataplane", "config", "control", "tests", "testbed", "scripts", ".ci")
# Samples of bad text live here on purpose.
SAMPLES = "scripts/check_tidy_samples.py"
SPDX = "SPDX-License-Identifier: BSD-3-Clause"

BANNED_NAMES = {"utils", "util", "common", "misc", "helpers", "helper", "base", "core", "manager"}
# Joined here so that this file does not contain what it looks for.
BANNED_WORDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]) + r")\b")
MACHINE_PATH = re.compile("/(" + "|".join(["home", "work", "root"]) + r")/[A-Za-z0-9_.]")

CLOCK_OR_ENTROPY = re.compile(
    r"\b(clock_gettime|gettimeofday|steady_clock|system_clock|high_resolution_clock|"
    r"random_device|getrandom|rte_rdtsc\w*|__rdtsc)\b"
    r"|(?<![\w.>:])(?:std::|::)?(?:time|rand|srand)\s*\("
    r"|(?<![\w.>])(?:std::this_thread::|::)?(?:sleep|usleep|nanosleep|sleep_for|sleep_until)\s*\(")
# The only folders with a clock, entropy or a reason to wait.
CLOCK_OWNERS = ("dataplane/worker/", "dataplane/nat/keys.cc", "control/loop/", "tests/", "testbed/")

# Files outside those folders whose task it is; none decides about a packet or a protocol.
EXEMPT = {
    "control/cli/verbs.cc": "status --watch waits",
    "control/run/supervisor.cc": "restarts wait",
    "dataplane/main.cc": "the tables' keys are drawn once, at start",
}

OPENS_TYPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def blank_out(text):
    """Comments and literals replaced by spaces; line breaks stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![\w])\'(?:\\.|[^\'\\\n])*\'',
        re.DOTALL)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def long_functions(text):
    """(line, length) of every outermost function body that is too long."""
    text = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
                  lambda match: re.sub(r"[^\n]", " ", match.group(0)), blank_out(text))
    found, kinds, start, last = [], [], 0, 0
    for match in re.finditer(r"[{};]", text):
        before = text[last:match.start()]
        last = match.end()
        if match.group(0) == "{":
            if "function" in kinds:
                kinds.append("inner")
                continue
            kind = kind_of_brace(before, text[:match.start()].rstrip().endswith("}"))
            kinds.append(kind)
            if kind == "function":
                start = text.count("\n", 0, match.start()) + 1
        elif match.group(0) == "}" and kinds:
            if kinds.pop() == "function":
                length = text.count("\n", 0, match.start()) - start + 2
                if length > FUNCTION_LINES_MAX:
                    found.append((start, length))
    return found


def kind_of_brace(before, follows_brace):
    """What a brace outside every function opens, by the words in front of it."""
    if OPENS_TYPE.search(before) and not re.search(r"\)\s*(const|noexcept|override|\s)*$", before):
        return "type"
    if re.search(r"=\s*$|=[^=]*$", before) and "operator" not in before and ")" not in \
            before.rsplit("=", 1)[1]:
        return "data"
    # After a member initialiser the body's brace has nothing in front of it.
    return "function" if ")" in before or (follows_brace and not before.strip()) else "data"


def check_text(name, text):
    problems = []
    lines = text.splitlines()
    head = lines[:2] if lines and lines[0].startswith("#!") else lines[:1]
    if not any(SPDX in line for line in head):
        problems.append(f"{name}:1: the licence line is missing")
    if len(lines) > FILE_LINES_MAX and "/vectors/" not in name:
        problems.append(f"{name}: {len(lines)} lines, {FILE_LINES_MAX} is the limit")
    bare_name = pathlib.PurePosixPath(name)
    for part in [*bare_name.parent.parts, bare_name.stem]:
        if part in BANNED_NAMES:
            problems.append(f"{name}: '{part}' says nothing about what is inside")
    for number, line in enumerate(lines, 1):
        if BANNED_WORDS.search(line):
            problems.append(f"{name}:{number}: a leftover marker")
        if MACHINE_PATH.search(line):
            problems.append(f"{name}:{number}: a path of one machine")
    if bare_name.suffix in CODE:
        for line, length in long_functions(text):
            problems.append(f"{name}:{line}: a function of {length} lines, "
                            f"{FUNCTION_LINES_MAX} is the limit")
        if not name.startswith(CLOCK_OWNERS) and name not in EXEMPT:
            for number, line in enumerate(blank_out(text).splitlines(), 1):
                match = CLOCK_OR_ENTROPY.search(line)
                if match:
                    problems.append(f"{name}:{number}: '{match.group(0).strip()}' belongs to "
                                    "dataplane/worker or control/loop")
    return problems


def is_script(file):
    return file.suffix in {".py", ".sh"} or (
        not file.suffix and file.open("rb").read(2) == b"#!")


def dead_files(texts, builds):
    """Headers without a reader, sources without a target."""
    problems = []
    included = {}
    for name, text in texts.items():
        for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.MULTILINE):
            included.setdefault(header, set()).add(name)
    for name in texts:
        path = pathlib.PurePosixPath(name)
        if path.suffix == ".h":
            own = {str(path.with_suffix(".cc"))}
            if not included.get(name, set()) - own:
                problems.append(f"{name}: nobody includes it")
        elif path.suffix in CODE and not is_built(path, builds):
            problems.append(f"{name}: no meson.build lists it")
    return problems


def is_built(path, builds):
    """Listed as a quoted path relative to the folder of a meson.build above it."""
    for folder in path.parents:
        text = builds.get(str(folder / "meson.build"), "")
        relative = str(path.relative_to(folder))
        if f"'{relative}'" in text:
            return True
        # In a foreach, `name + '_fuzz.cc'`: both halves are quoted.
        if "foreach" in text and any(f"'{relative[:cut]}'" in text and f"'{relative[cut:]}'" in text
                                     for cut in range(1, len(relative))):
            return True
    return False


def untested_drop_reasons(texts):
    header = texts.get("dataplane/packet/drop_reason.h", "")
    body = re.search(r"enum class DropReason[^{]*\{(.*?)\};", blank_out(header), re.DOTALL)
    if not body:
        return []
    names = [name for name in re.findall(r"\b([a-z]\w*)\b\s*(?:=\s*\d+\s*)?,", body.group(1))
             if name not in ("none", "count")]
    tests = "\n".join(text for name, text in texts.items() if name.startswith("tests/"))
    return [f"dataplane/packet/drop_reason.h: no test names {name}" for name in names
            if not re.search(rf"\b{name}\b", tests)]


def check(root):
    root = pathlib.Path(root)
    problems, texts, builds, scripts = [], {}, {}, {}
    if (root / "meson.build").is_file():
        builds["meson.build"] = (root / "meson.build").read_text(encoding="utf-8")
    for file in (file for top in TOP for file in sorted((root / top).rglob("*"))):
        if not file.is_file() or "__pycache__" in file.parts or "corpus" in file.parts:
            continue
        name = file.relative_to(root).as_posix()
        if file.name == "meson.build":
            builds[name] = file.read_text(encoding="utf-8")
        elif file.suffix in CODE:
            texts[name] = file.read_text(encoding="utf-8")
        elif is_script(file) and name != SAMPLES:
            scripts[name] = file.read_text(encoding="utf-8")
    for name, text in {**texts, **scripts}.items():
        problems += check_text(name, text)
    problems += dead_files(texts, builds)
    problems += untested_drop_reasons({**texts, **scripts})
    return problems, len(texts) + len(scripts)


def main():
    if sys.argv[1:] == ["--self-test"]:
        import check_tidy_samples
        return check_tidy_samples.run(check)
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    problems, count = check(root)
    for problem in problems:
        print(problem)
    print(f"check_tidy: {count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
