#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs the unit tests of the crypto folder on an emulated CPU with AVX2 and nothing newer (decisions.md
W14): what was built for AVX-512 must not be reached there, and the AVX2 kernels must be right.

usage: haswell.py PROGRAM; ends with 77, a skip, where qemu-x86_64 is missing or knows no AVX2
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMIT_S = 60


def main():
    qemu = shutil.which("qemu-x86_64")
    if qemu is None:
        print("qemu-x86_64 (package qemu-user) is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        done = subprocess.run([qemu, "-cpu", "Haswell", sys.argv[1], "--gtest_brief=1",
                               f"--gtest_output=json:{report}"],
                              check=False, timeout=LIMIT_S, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0 or not report.is_file():
            print(done.stdout)
            print(f"the program ended with {done.returncode}")
            return 1
        cases = [case for group in json.loads(report.read_text(encoding="utf-8"))["testsuites"]
                 for case in group["testsuite"] if case.get("status") != "NOTRUN"]
    done = {"avx2": 0, "avx512": 0, "else": 0}
    for case in cases:
        kind = next((kind for kind in ("avx512", "avx2") if kind in case["name"]), "else")
        done[kind] += case["result"] == "COMPLETED"
    if done["avx2"] == 0:
        print("this qemu-x86_64 emulates no AVX2")
        return 77
    print(f"{done['avx2']} cases of AVX2, {done['else']} others, {done['avx512']} of AVX-512")
    return 1 if done["avx512"] else 0


if __name__ == "__main__":
    sys.exit(main())
