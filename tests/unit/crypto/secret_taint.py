#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs secret_taint.cc under valgrind: no branch and no address of ours may depend on a secret, other
than the verdicts that are public anyway. Then once more with a leak on purpose, which must be found.

usage: secret_taint.py PROGRAM; ends with 77, a skip, where valgrind is missing
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

LIMIT_S = 120
FOUND = 9
# Where it is decided what everyone may see: whether a message is authentic, and whether a shared
# secret is zero. The comparisons before that, and everything that these functions call, are held to
# the rule.
VERDICTS = (
    "*towpath*crypto*open_group*",
    "crypto_aead_chacha20poly1305_ietf_decrypt_detached",
    "crypto_aead_xchacha20poly1305_ietf_decrypt_detached",
    "*towpath*crypto*shared_secret*",
)


def run(program, suppressions, *arguments):
    return subprocess.run(
        ["valgrind", "--quiet", f"--error-exitcode={FOUND}", f"--suppressions={suppressions}",
         program, *arguments],
        check=False, timeout=LIMIT_S, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def main():
    if shutil.which("valgrind") is None:
        print("valgrind is not installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        suppressions = pathlib.Path(folder, "verdicts.supp")
        suppressions.write_text("".join(
            f"{{\n  verdict {number}\n  Memcheck:Cond\n  fun:{function}\n}}\n"
            for number, function in enumerate(VERDICTS)), encoding="ascii")
        clean = run(sys.argv[1], suppressions)
        leaking = run(sys.argv[1], suppressions, "leak")
    print(clean.stdout.strip())
    if leaking.returncode != FOUND:
        print(f"the leak on purpose was not found:\n{leaking.stdout}")
        return 1
    return 0 if clean.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
