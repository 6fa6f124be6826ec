# SPDX-License-Identifier: BSD-3-Clause
"""What was run and how it went; prints times, the slowest tests, skips and the verdict."""

import dataclasses
import time


@dataclasses.dataclass(frozen=True)
class Case:
    suite: str
    name: str
    outcome: str  # "passed", "failed" or "skipped"
    seconds: float = 0.0
    reason: str = ""


class Results:
    def __init__(self):
        self.cases = []
        self.suite_seconds = {}

    def add(self, *arguments, **keywords):
        self.cases.append(Case(*arguments, **keywords))

    def count(self, outcome):
        return sum(case.outcome == outcome for case in self.cases)

    def timed(self, suite, function, *arguments):
        """Runs one suite. What it raises is a failure of that suite, never a silent end."""
        print(f"== {suite}", flush=True)
        start, before = time.monotonic(), len(self.cases)
        try:
            function(*arguments)
        except Exception as problem:  # pylint: disable=broad-except
            self.add(suite, "start", "failed", reason=f"{type(problem).__name__}: {problem}")
        self.suite_seconds[suite] = (
            self.suite_seconds.get(suite, 0.0) + time.monotonic() - start)
        for case in self.cases[before:]:
            if case.outcome == "failed":
                print(f"FAIL {case.suite} {case.name} {case.reason}", flush=True)

    def report(self):
        print("\n== time per suite")
        for suite, seconds in self.suite_seconds.items():
            count = sum(case.suite == suite for case in self.cases)
            print(f"{seconds:8.1f} s  {suite} ({count})")
        print("== slowest")
        for case in sorted(self.cases, key=lambda case: -case.seconds)[:12]:
            print(f"{case.seconds:8.2f} s  {case.suite} {case.name}")
        for outcome in ("skipped", "failed"):
            chosen = [case for case in self.cases if case.outcome == outcome]
            if chosen:
                print(f"== {outcome}")
            for case in chosen:
                print(f"{case.suite} {case.name}: {case.reason or 'see its output above'}")
        verdict = f"{self.count('passed')} passed, {self.count('failed')} failed"
        if self.count("skipped"):
            verdict += f", {self.count('skipped')} skipped"
        print(verdict, flush=True)
        return 1 if self.count("failed") or not self.count("passed") else 0
