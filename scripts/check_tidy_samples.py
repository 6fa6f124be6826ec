# SPDX-License-Identifier: BSD-3-Clause
"""Bad and good samples for check_tidy.py: each bad one must give exactly one problem."""

import pathlib
import tempfile

CODE_HEAD = "// SPDX-License-Identifier: BSD-3-Clause\n"
SCRIPT_HEAD = "#!/bin/bash\n# SPDX-License-Identifier: BSD-3-Clause\n"
BUILD = {"dataplane/nat/meson.build": "files('a.cc')\n"}


def body(lines):
    return "    f();\n" * lines


def source(text):
    return {**BUILD, "dataplane/nat/a.cc": CODE_HEAD + text}


REASONS = CODE_HEAD + "enum class DropReason : int { none = 0, too_long, count, };\n"

BAD = {
    "licence missing": {**BUILD, "dataplane/nat/a.cc": "int a;\n"},
    "licence missing in a script": {"scripts/a": "#!/bin/bash\ntrue\n"},
    "file too long": source("int a;\n" * 400),
    "function too long": source("void g(int a) {\n" + body(70) + "}\n"),
    "method too long": source("class A {\n    int g() const noexcept {\n" + body(70) + "    }\n};\n"),
    "constructor too long": source("A::A(int a) : a_{a}, b_{1} {\n" + body(70) + "}\n"),
    "operator too long": source("bool operator==(A a, A b) {\n" + body(70) + "}\n"),
    "wall clock": source("auto a() { return std::chrono::system_clock::now(); }\n"),
    "time()": source("auto a() { return time(nullptr); }\n"),
    "entropy": source("std::random_device a;\n"),
    "rand()": source("int a() { return std::rand(); }\n"),
    "sleep": source("void a() { usleep(1); }\n"),
    "leftover marker": source("// TODO: later\n"),
    "path of one machine": source('const char* a = "/' 'home/ann/x";\n'),
    "empty name": {"dataplane/nat/meson.build": "files('utils.cc')\n",
                   "dataplane/nat/utils.cc": CODE_HEAD},
    "dead header": {**source(""), "dataplane/nat/b.h": CODE_HEAD},
    "header read only by its own source": {
        **source('#include "dataplane/nat/a.h"\n'), "dataplane/nat/a.h": CODE_HEAD},
    "source without a target": {"dataplane/nat/meson.build": "\n", "dataplane/nat/a.cc": CODE_HEAD},
    "untested drop reason": {
        "dataplane/packet/meson.build": "files('b.cc')\n",
        "dataplane/packet/b.cc": CODE_HEAD + '#include "dataplane/packet/drop_reason.h"\n',
        "dataplane/packet/drop_reason.h": REASONS},
}
GOOD = {
    **source("A::A(int a) : a_{a} {\n" + body(68) + "}\nauto b = now.time();\n"
             "const int table[] = {\n" + "    1,\n" * 100 + "};\n// time( and rand( in words\n"),
    "tests/meson.build": "files('c_test.cc')\n",
    "tests/c_test.cc": CODE_HEAD + '#include "dataplane/packet/drop_reason.h"\n// too_long\n'
                                   "void a() { sleep(1); }\n",
    "dataplane/packet/drop_reason.h": REASONS,
    "tests/fuzz/meson.build": "foreach name : ['d']\nexecutable(name, name + '_fuzz.cc')\n",
    "tests/fuzz/d_fuzz.cc": CODE_HEAD,
    "scripts/a": SCRIPT_HEAD,
}


def problems_of(check, sample):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in sample.items():
            file = pathlib.Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return check(folder)[0]


def run(check):
    failed = False
    for name, sample in BAD.items():
        problems = problems_of(check, sample)
        if len(problems) != 1:
            failed = True
            print(f"self-test: bad sample '{name}' gave {problems}")
    for problem in problems_of(check, GOOD):
        failed = True
        print(f"self-test: the good sample was refused: {problem}")
    print(f"check_tidy self-test: {len(BAD) + 1} samples")
    return 1 if failed else 0
