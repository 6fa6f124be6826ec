# SPDX-License-Identifier: BSD-3-Clause
"""Runs the suites in order and prints the verdict. Called by scripts/test.

A suite whose folder holds nothing is not there; a suite that cannot start is a failure.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import test_builds
import test_results
from test_builds import ROOT

FUZZ_S = int(os.environ.get("TOWPATH_FUZZ_SECONDS", "10"))
UNIT_GOAL_S = 5.0
INTEGRATION_LIMIT_S = 1500
BENCH_LIMIT_S = 300
TIDY_LIMIT_S = 2400
ENVIRONMENT = {
    **os.environ,
    "PYTHONUNBUFFERED": "1",
    "ASAN_OPTIONS": "abort_on_error=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}
RESULTS = test_results.Results()


def run_script(suite, name, command, limit_s):
    start = time.monotonic()
    try:
        done = test_builds.run(command, limit_s, env=ENVIRONMENT)
        code, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        code, output = "the time limit", ""
    if code != 0:
        print("\n".join(output.splitlines()[-60:]))
    RESULTS.add(suite, name, "failed" if code != 0 else "passed", time.monotonic() - start,
                f"ended with {code}" if code != 0 else "")


def sources():
    listed = test_builds.must(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.cc", "*.h"], 30)
    return [line for line in listed.splitlines() if (ROOT / line).is_file()]


def checks():
    for name in ("check_layers", "check_tidy"):
        script = f"scripts/{name}.py"
        run_script("checks", name + " self-test", ["/usr/bin/python3", script, "--self-test"], 60)
        run_script("checks", name, ["/usr/bin/python3", script], 60)
    run_script("checks", "clang-format",
               ["clang-format", "--dry-run", "--Werror", *sources()], 300)
    # Every source through clang 14 with our warnings as errors, and through clang-tidy.
    test_builds.configure("asan")
    run_script("checks", "clang and clang-tidy", ["/usr/bin/python3", "scripts/clang_tidy.py"],
               TIDY_LIMIT_S)


def run_gtest(suite, test):
    """One program of GoogleTest cases; a program that dies is one failed case by its name."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder, "report.json")
        start = time.monotonic()
        code, output = run_program(test, [f"--gtest_output=json:{report}", "--gtest_brief=1"])
        seconds = time.monotonic() - start
        data = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else None
    cases = [] if data is None else [
        (f"{group['name']}.{case['name']}", case)
        for group in data["testsuites"] for case in group["testsuite"]]
    found = [read_gtest_case(suite, name, case) for name, case in cases
             if case.get("status") != "NOTRUN"]
    is_told = any(case.outcome == "failed" for case in found)
    if (code != 0 and not is_told) or not found:
        found.append(test_results.Case(suite, test["name"], "failed", seconds,
                                       f"program ended with {code} after {len(found)} cases"))
    return found, output if code != 0 or not found else ""


def read_gtest_case(suite, name, case):
    outcome = {"SKIPPED": "skipped"}.get(case.get("result"), "passed")
    reason = ""
    if case.get("failures"):
        outcome, reason = "failed", case["failures"][0]["failure"].replace("\n", " ")[:300]
    elif outcome == "skipped":
        reason = case.get("skipped", [{}])[0].get("message", "").replace("\n", " ")[:300] or \
            "the test skipped itself"
    return test_results.Case(suite, name, outcome, float(case["time"].rstrip("s")), reason)


def run_plain(suite, test):
    start = time.monotonic()
    code, output = run_program(test, [])
    case = test_results.Case(suite, test["name"],
                             {0: "passed", 77: "skipped"}.get(code, "failed"),
                             time.monotonic() - start,
                             "" if code == 0 else (output.strip().splitlines() or [str(code)])[-1])
    return [case], output if code not in (0, 77) else ""


def run_program(test, arguments):
    try:
        done = test_builds.run(
            [*test["cmd"], *arguments], max(test["timeout"], 60) * 3,
            env={**ENVIRONMENT, **test["env"], "MALLOC_PERTURB_": "85"})
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as slow:
        return "the time limit", (slow.stdout or b"").decode(errors="replace")


def run_tests(suite, tests):
    def run_one(test):
        return (run_gtest if test["protocol"] == "gtest" else run_plain)(suite, test)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for cases, output in pool.map(run_one, tests):
            RESULTS.cases += cases
            if output:
                print("\n".join(output.splitlines()[-60:]), flush=True)


def registered(tree, suite):
    """Builds and runs what is registered under this suite; more than one tree, more cases."""
    folder = test_builds.configure(tree)
    tests = test_builds.tests_of(folder, suite)
    if tests:
        test_builds.build(tree, test_builds.programs_of(folder, tests))
        run_tests(f"{suite}/{tree}", tests)
    return tests


def unit():
    folder = test_builds.build("release")
    start = time.monotonic()
    run_tests("unit/release", test_builds.tests_of(folder, "unit"))
    seconds = time.monotonic() - start
    # A goal, no assertion: a busy machine must not fail a test.
    print(f"unit/release took {seconds:.1f} s; the goal is {UNIT_GOAL_S:.0f} s")


def libfuzzer():
    folder = test_builds.configure("asan")
    programs = [pathlib.Path(target["filename"][0])
                for target in test_builds.introspect(folder, "targets")
                if target["name"].startswith("fuzz_")]
    test_builds.build("asan", [os.path.relpath(program, folder) for program in programs])
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda program: libfuzz(folder, program), programs))


def libfuzz(folder, program):
    name = program.name.removeprefix("fuzz_")
    with tempfile.TemporaryDirectory() as found:
        run_script("fuzz/libfuzzer", name,
                   [str(program), f"-max_total_time={FUZZ_S}", "-timeout=10", "-rss_limit_mb=4096",
                    f"-artifact_prefix={folder}/crash-{name}-", "-print_final_stats=1", found,
                    str(ROOT / "tests/fuzz/corpus" / name)], FUZZ_S + 120)


def threads():
    """ThreadSanitizer's shadow memory wants the usual address layout; newer kernels randomise more
    bits than GCC 12 knows."""
    folder = test_builds.configure("tsan")
    tests = test_builds.tests_of(folder, "threads")
    if tests:
        test_builds.build("tsan", test_builds.programs_of(folder, tests))
        run_tests("threads/tsan", [
            {**test, "cmd": ["setarch", "-R", *test["cmd"]]} for test in tests])


def integration():
    """The runner prints `ok NAME (s)`, `FAIL NAME`, `skip NAME: reason`, one line per behaviour."""
    runner = ROOT / "tests/integration/run"
    if not runner.is_file():
        print("not there yet")
        return
    test_builds.build("release")
    process = subprocess.Popen([str(runner)], cwd=ROOT, env=ENVIRONMENT, text=True,
                               errors="replace", stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    timer = concurrent.futures.ThreadPoolExecutor(1)
    watchdog = timer.submit(stop_when_late, process)
    before, begun = len(RESULTS.cases), time.monotonic()
    for line in process.stdout:
        print(line, end="", flush=True)
        begun = read_integration_line(line, begun)
    code = process.wait()
    was_late = watchdog.result()
    timer.shutdown()
    cases = RESULTS.cases[before:]
    if was_late or not cases or (code != 0 and all(case.outcome != "failed" for case in cases)):
        RESULTS.add("integration", "runner", "failed", 0.0,
                    f"ended with {'the time limit' if was_late else code} after {len(cases)} tests")


def stop_when_late(process):
    try:
        process.wait(INTEGRATION_LIMIT_S)
        return False
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
        return True


def read_integration_line(line, begun):
    found = re.match(r"(ok|FAIL|skip) ([\w-]+)(?: \(([\d.]+) s\)|: (.*))?\s*$", line)
    if not found:
        return begun
    verdict, name, seconds, reason = found.groups()
    now = time.monotonic()
    outcome = {"ok": "passed", "FAIL": "failed", "skip": "skipped"}[verdict]
    RESULTS.add("integration", name, outcome, float(seconds or now - begun), reason or "")
    return now


def bench():
    """Whether the benchmarks run, not how fast: figures come from running them by hand."""
    folder = test_builds.configure("release")
    benchmarks = test_builds.introspect(folder, "benchmarks")
    test_builds.build("release", test_builds.programs_of(folder, benchmarks) or ["build.ninja"])
    for benchmark in benchmarks:
        start = time.monotonic()
        done = test_builds.run(benchmark["cmd"], BENCH_LIMIT_S,
                               env={**ENVIRONMENT, **benchmark["env"]})
        print("\n".join(done.stdout.splitlines()[-40:]))
        RESULTS.add("bench", benchmark["name"], "passed" if done.returncode == 0 else "failed",
                    time.monotonic() - start, f"ended with {done.returncode}")


# Name on the command line: the steps, each its own row in the table of times.
SUITES = {
    "checks": [("checks", checks)],
    "unit": [("unit/release", unit), ("unit/asan", lambda: registered("asan", "unit"))],
    "devices": [("devices/release", lambda: registered("release", "devices")),
                ("devices/asan", lambda: registered("asan", "devices"))],
    "property": [("property/release", lambda: registered("release", "property")),
                 ("property/asan", lambda: registered("asan", "property")),
                 ("threads/tsan", threads)],
    "fuzz": [("fuzz/release", lambda: registered("release", "fuzz")),
             ("fuzz/asan", lambda: registered("asan", "fuzz")), ("fuzz/libfuzzer", libfuzzer)],
    "integration": [("integration", integration)],
    "bench": [("bench", bench)],
}


def main():
    chosen = sys.argv[1:] or list(SUITES)
    unknown = [name for name in chosen if name not in SUITES]
    if unknown:
        print(f"unknown suite {', '.join(unknown)}; there are: {' '.join(SUITES)}")
        return 2
    for name in SUITES:
        if name in chosen:
            for label, step in SUITES[name]:
                RESULTS.timed(label, step)
    return RESULTS.report()


if __name__ == "__main__":
    sys.exit(main())
