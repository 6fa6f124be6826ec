#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Holds the include table: which folder may include which.

Refuses an include that the table does not permit, an include of our own code that is not written
from the repository root or does not exist, a third-party header outside the folder that owns it,
and cycles between files. What it is not: a parser of C++; it reads `#include` lines only.

Usage: check_layers.py [ROOT]        check a tree (default: this repository)
       check_layers.py --self-test   prove that bad samples are refused
"""

import pathlib
import re
import sys
import tempfile

# What a folder may include besides itself. There is no other permission.
ALLOWED = {
    "dataplane/wire": [],
    "dataplane/crypto": ["dataplane/wire"],
    "dataplane/packet": ["dataplane/wire"],
    "dataplane/contract": ["dataplane/wire"],
    "config": ["dataplane/wire"],
    "dataplane/parse": ["dataplane/wire", "dataplane/packet"],
    "dataplane/nat": ["dataplane/wire", "dataplane/packet"],
    "dataplane/route": ["dataplane/wire", "dataplane/packet"],
    "dataplane/ipv6": ["dataplane/wire", "dataplane/packet", "dataplane/parse",
                       "dataplane/route"],
    "dataplane/wireguard": ["dataplane/wire", "dataplane/packet", "dataplane/crypto"],
    "dataplane/pipeline": ["dataplane/wire", "dataplane/packet", "dataplane/parse",
                           "dataplane/nat", "dataplane/route", "dataplane/ipv6",
                           "dataplane/wireguard"],
    "dataplane/dpdk": ["dataplane/wire", "dataplane/packet"],
    "dataplane/port": ["dataplane/wire", "dataplane/packet", "dataplane/dpdk"],
    "dataplane/worker": ["dataplane/wire", "dataplane/packet", "dataplane/parse", "dataplane/nat",
                         "dataplane/route", "dataplane/ipv6", "dataplane/wireguard",
                         "dataplane/crypto",
                         "dataplane/pipeline", "dataplane/dpdk",
                         "dataplane/port"],
    "dataplane/server": ["dataplane/wire", "dataplane/packet", "dataplane/parse", "dataplane/nat",
                         "dataplane/route", "dataplane/ipv6", "dataplane/wireguard",
                         "dataplane/crypto",
                         "dataplane/pipeline", "dataplane/dpdk",
                         "dataplane/port", "dataplane/worker", "dataplane/contract"],
    "dataplane/engine": ["dataplane/wire", "dataplane/packet", "dataplane/parse", "dataplane/nat",
                         "dataplane/route", "dataplane/ipv6", "dataplane/wireguard",
                         "dataplane/crypto",
                         "dataplane/pipeline", "dataplane/dpdk",
                         "dataplane/port", "dataplane/worker", "dataplane/contract",
                         "dataplane/server"],
    "control": ["config", "dataplane/contract", "dataplane/crypto", "dataplane/wire"],
    # main.cc and app.*: the only files above every folder of the data plane. Never control.
    "dataplane": None,
    "tests": None,
    "testbed": ["dataplane/wire"],
}
MAIN_FORBIDDEN = ("control", "config", "tests", "testbed")

# Third-party headers and the only places that may see them (tests besides).
OWNERS = {
    r"rte_": ["dataplane/dpdk", "dataplane/port", "dataplane/worker"],
    r"tl/expected\.hpp": ["dataplane/wire/result.h"],
    r"yaml-cpp/": ["config"],
    r"boost/": ["control"],
    r"prometheus/": ["control"],
    r"(sodium|intel-ipsec-mb|blake2)": ["dataplane/crypto"],
    r"(xdp|bpf)/": ["dataplane/port", "dataplane/dpdk"],
}
SUFFIXES = {".h", ".cc"}
TOP = ("dataplane", "config", "control", "tests", "testbed")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)


def folder_of(path):
    """The row of the table that a file belongs to."""
    parts = path.split("/")
    if parts[0] == "dataplane":
        return "/".join(parts[:2]) if len(parts) > 2 else "dataplane"
    return parts[0]


def may_include(source, target):
    source_folder, target_folder = folder_of(source), folder_of(target)
    if source_folder == target_folder or source_folder == "tests":
        return True
    if source_folder == "dataplane":
        return target_folder not in MAIN_FORBIDDEN
    return target_folder in ALLOWED.get(source_folder, [])


def owner_violation(source, header):
    if source.startswith("tests/"):
        return None
    for pattern, owners in OWNERS.items():
        if re.match(pattern, header) and not any(
                source == owner or source.startswith(owner + "/") for owner in owners):
            return f"<{header}> belongs to {', '.join(owners)}"
    return None


def cycles_in(graph):
    """Each cycle once, as the list of files that form it."""
    state, stack, found = {}, [], []

    def visit(node):
        state[node] = "open"
        stack.append(node)
        for successor in sorted(graph.get(node, ())):
            if state.get(successor) == "open":
                found.append(stack[stack.index(successor):] + [successor])
            elif successor not in state:
                visit(successor)
        stack.pop()
        state[node] = "done"

    for node in sorted(graph):
        if node not in state:
            visit(node)
    return found


def check(root):
    root = pathlib.Path(root)
    problems, graph = [], {}
    files = [file for top in TOP for file in sorted((root / top).rglob("*"))
             if file.suffix in SUFFIXES]
    for file in files:
        source = file.relative_to(root).as_posix()
        if folder_of(source) not in ALLOWED:
            problems.append(f"{source}: folder {folder_of(source)} is not in the include table")
            continue
        text = file.read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start(2)) + 1
            problem = check_include(root, source, match.group(1), match.group(2), graph)
            if problem:
                problems.append(f"{source}:{line}: {problem}")
    problems += ["cycle between files: " + " -> ".join(cycle) for cycle in cycles_in(graph)]
    return problems, len(files)


def check_include(root, source, quote, header, graph):
    violation = owner_violation(source, header)
    if violation:
        return violation
    is_ours = header.split("/")[0] in TOP
    if quote == "<":
        return f"our own header <{header}> wants quotes" if is_ours else None
    if not is_ours or not (root / header).is_file():
        return f'"{header}" is not a file of this repository, written from its root'
    graph.setdefault(source, set()).add(header)
    if not may_include(source, header):
        return f'{folder_of(source)} may not include "{header}"'
    return None


BAD_SAMPLES = {
    "upward include": {"dataplane/wire/a.h": '#include "dataplane/packet/b.h"\n',
                       "dataplane/packet/b.h": ""},
    "sideways include": {"dataplane/nat/a.h": '#include "dataplane/route/b.h"\n',
                         "dataplane/route/b.h": ""},
    "data plane includes control": {"dataplane/main.cc": '#include "control/b.h"\n',
                                    "control/b.h": ""},
    "data plane includes config": {"dataplane/server/a.cc": '#include "config/b.h"\n',
                                   "config/b.h": ""},
    "control includes nat": {"control/loop/a.cc": '#include "dataplane/nat/b.h"\n',
                             "dataplane/nat/b.h": ""},
    "DPDK in a stage": {"dataplane/nat/a.cc": "#include <rte_mbuf.h>\n"},
    "DPDK in the contract": {"dataplane/contract/a.h": "#include <rte_ring.h>\n"},
    "YAML in the data plane": {"dataplane/server/a.cc": "#include <yaml-cpp/yaml.h>\n"},
    "not from the root": {"dataplane/nat/a.cc": '#include "b.h"\n', "dataplane/nat/b.h": ""},
    "angle brackets": {"dataplane/nat/a.cc": "#include <dataplane/nat/b.h>\n",
                       "dataplane/nat/b.h": ""},
    "cycle": {"dataplane/nat/a.h": '#include "dataplane/nat/b.h"\n',
              "dataplane/nat/b.h": '#include "dataplane/nat/a.h"\n'},
    "unknown folder": {"dataplane/misc/a.h": ""},
}
GOOD_SAMPLE = {
    "dataplane/wire/a.h": "#include <cstdint>\n",
    "dataplane/nat/b.h": '#include "dataplane/wire/a.h"\n',
    "dataplane/worker/c.cc": '#include <rte_lcore.h>\n#include "dataplane/nat/b.h"\n',
    "dataplane/main.cc": '#include "dataplane/nat/b.h"\n',
}


def check_sample(sample):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in sample.items():
            file = pathlib.Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return check(folder)[0]


def self_test():
    wrong = [name for name, sample in BAD_SAMPLES.items() if len(check_sample(sample)) != 1]
    problems = check_sample(GOOD_SAMPLE)
    for name in wrong:
        print(f"self-test: bad sample '{name}' gave {check_sample(BAD_SAMPLES[name])}")
    for problem in problems:
        print(f"self-test: the good sample was refused: {problem}")
    print(f"check_layers self-test: {len(BAD_SAMPLES) + 1} samples")
    return 1 if wrong or problems else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    problems, count = check(root)
    for problem in problems:
        print(problem)
    print(f"check_layers: {count} files, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
