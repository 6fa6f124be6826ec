#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Archives built for one instruction set must define the functions of their kernel and nothing that
the linker could prefer over the same function built for every CPU; and no instruction of theirs may
take addresses from a vector: a gather would tell secrets by the cache (decisions.md W14).

usage: isa_symbols.py ARCHIVE...
"""

import re
import subprocess
import sys

# What `nm` calls undefined, local text, local data: none of these can replace anything.
HARMLESS = set("Utrdbna")
ADDRESSES_FROM_VECTOR = re.compile(r"\tv?p?(gather|scatter)\w*")
KERNEL = re.compile(r"towpath::crypto::(chacha20|poly1305)_avx\w+\(")


def main():
    wrong, kernels = [], 0
    for archive in sys.argv[1:]:
        listed = subprocess.run(["nm", "-C", archive], check=True, text=True,
                                stdout=subprocess.PIPE).stdout
        for line in listed.splitlines():
            found = re.match(r"[0-9a-f ]{16} (\w) (.*)$", line)
            if not found or found[1] in HARMLESS:
                continue
            if found[1] == "T" and KERNEL.match(found[2]):
                kernels += 1
            else:
                wrong.append(f"{archive}: {found[1]} {found[2]}")
        code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", archive], check=True,
                              text=True, stdout=subprocess.PIPE).stdout
        wrong += [f"{archive}: {line.strip()}" for line in code.splitlines()
                  if ADDRESSES_FROM_VECTOR.search(line)]
    print("\n".join(wrong) or f"{kernels} kernels, nothing else, no gathers")
    return 1 if wrong or kernels == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
