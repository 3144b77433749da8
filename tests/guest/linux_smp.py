#!/usr/bin/env python3
"""Boots Debian's own kernel on four CPUs: all come up, run programs at once, and its log stays quiet. With
ORRERY_TEST_LONG=1 also two and eight CPUs, ten boots with one seed (one state) and ten seeds (ten boots).

usage: linux_smp.py ORRERY     exit status: 0 as expected, 1 not, 77 the images are not there
"""
import concurrent.futures
import json
import os
import re
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linux_guest import Checks, Orrery  # noqa: E402

# sha256 of 2 MiB of zero bytes.
ZEROS = "5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee"


def checks_for(cpus):
    checks = Checks()
    checks.add("warnings", "dmesg -r | grep '^<[0-4]>'", "")
    checks.add("trouble", "dmesg | grep -E 'Firmware Bug|Call Trace|[Uu]nstable|stalls|BUG|Oops|lockup|WARNING'", "")
    checks.add("clock source", "cat /sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")
    checks.add("CPUs", "nproc; cat /sys/devices/system/cpu/online", f"{cpus}\n0-{cpus - 1}\n")
    checks.add("each runs a program", f"for i in $(seq 0 {cpus - 1}); do taskset -c $i sh -c 'cut -d\" \" -f39 /proc/$$/stat' "
               "; done", "".join(f"{i}\n" for i in range(cpus)))
    checks.add("at once", f"for i in $(seq {cpus}); do head -c 2097152 /dev/zero | sha256sum & done; wait",
               f"{ZEROS}  -\n" * cpus)
    # Every CPU has ticked, and has been interrupted by another.
    checks.add("interrupts", "grep -E '^ *(LOC|RES|CAL):' /proc/interrupts | awk "
               f"'{{ for (i = 2; i < 2 + {cpus}; i++) sum[i] += $i }} END {{ for (i in sum) if (sum[i] > 0) n++; print n }}'",
               f"{cpus}\n")
    return checks


def boot(orrery, cpus, seed, directory):
    """What went wrong, and the state's hash at the end."""
    checks = checks_for(cpus)
    stats = os.path.join(directory, "stats.json")
    status, out, err = orrery.linux(["--smp", str(cpus), "--seed", str(seed), "--stats", stats],
                                    ["sh", "-c", checks.script(5)])
    failures = [f"{cpus} CPUs, seed {seed}: {text}" for text in checks.failures(out)]
    if status != 5 or err:
        failures.append(f"{cpus} CPUs, seed {seed}: status {status}, {err!r}, {out[-2000:]!r}")
        return failures, None
    with open(stats, encoding="utf-8") as file:
        result = json.load(file)
    for index, cpu in enumerate(result["cpus"]):
        if cpu["instructions"] < 1_000_000:
            failures.append(f"{cpus} CPUs, seed {seed}: CPU {index} completed {cpu['instructions']} instructions")
    return failures, result["state_hash"]


def main():
    orrery = Orrery(sys.argv[1])
    if not os.path.exists(orrery.kernel):
        print(f"{orrery.kernel} is not there")
        sys.exit(77)
    boots = [(4, 0)]
    if os.environ.get("ORRERY_TEST_LONG"):
        boots += [(2, 0), (8, 0)] + [(4, 0)] * 9 + [(4, seed) for seed in range(1, 11)]

    def one(numbered):
        index, (cpus, seed) = numbered
        with tempfile.TemporaryDirectory() as directory:
            failures, state = boot(orrery, cpus, seed, directory)
        print(f"boot {index}: {cpus} CPUs, seed {seed}: {'failed' if failures else 'passed'}, state {state}", flush=True)
        return failures, state

    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(one, enumerate(boots)))
    failures = [text for found, _ in results for text in found]
    states = {}
    for key, (_, state) in zip(boots, results):
        states.setdefault(key, set()).add(state)
    failures += [f"{cpus} CPUs, seed {seed}: different states {found}" for (cpus, seed), found in states.items()
                 if len(found) != 1]
    if len({min(map(str, found)) for found in states.values()}) != len(states):
        failures.append("two seeds, or numbers of CPUs, ended in one state")
    print(f"{len(boots)} boots, {len(states)} different, {len(failures)} failures")
    for text in failures:
        print(text)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
