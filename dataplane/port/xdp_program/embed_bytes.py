#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Turns a file into a C++ source that defines its bytes: embed_bytes.py INPUT OUTPUT NAMESPACE NAME.

The header that declares them is written by hand.
"""
import sys


def main() -> int:
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        return 2
    source, target, namespace, name = sys.argv[1:]
    with open(source, "rb") as stream:
        data = stream.read()
    rows = [data[at : at + 16] for at in range(0, len(data), 16)]
    body = "\n".join("    " + ", ".join(f"0x{byte:02X}" for byte in row) + "," for row in rows)
    with open(target, "w", encoding="ascii") as stream:
        stream.write(
            "// Generated from the compiled XDP program; do not edit.\n"
            '#include "dataplane/port/xdp_program/filter_object.h"\n\n'
            f"namespace {namespace} {{\n"
            "namespace {\n"
            f"alignas(8) constexpr unsigned char kBytes[{len(data)}] = {{\n{body}\n}};\n"
            "}  // namespace\n\n"
            f"const std::span<const unsigned char> {name}{{kBytes}};\n\n"
            f"}}  // namespace {namespace}\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
