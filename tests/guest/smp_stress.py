#!/usr/bin/env python3
"""Runs tests/guest/stress/smp_stress.c, many processes and threads that check their own results, on our kernel on Orrery
with several CPUs: nothing wrong, no panic, no hang, for each seed of the interleaving. The first seed runs twice: the
same state. With ORRERY_TEST_LONG=1 on 8 CPUs over 100 seeds; the summary says how many passed.

usage: smp_stress.py ORRERY KERNEL BUSYBOX [--seeds FIRST-LAST] [--cpus N] [--rounds N]
exit status: 0 nothing wrong, 1 something, 77 cannot run here
"""
import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import qemu_programs  # noqa: E402

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stress", "smp_stress.c")
BUDGET_PER_ROUND = 6_000_000_000  # instructions: a hang is a run that needs more
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
/programs/smp_stress {rounds} {seed}
echo "@@@ status $?"
poweroff -f
"""


def run(options, image, seed, stats):
    command = [options.orrery, "run", "--headless", "-m", "512M", "--kernel", options.kernel, "--initrd", image,
               "--append", "loglevel=3", "--smp", str(options.cpus), "--seed", str(seed),
               "--max-insns", str(BUDGET_PER_ROUND * options.rounds), "--stats", stats]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.stdout.decode(errors="replace").replace("\r\n", "\n")


def one(options, directory, image, seed, again=0):
    """What went wrong with `seed`, or "", and the state's hash at the end."""
    stats = os.path.join(directory, f"stats-{seed}-{again}.json")
    text = run(options, image, seed, stats)
    state = None
    if os.path.exists(stats):
        with open(stats, encoding="utf-8") as file:
            state = json.load(file)["state_hash"]
        os.remove(stats)
    passed = "nothing wrong\n@@@ status 0" in text and "panic" not in text
    return "" if passed else text[-3000:], state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("orrery")
    parser.add_argument("kernel")
    parser.add_argument("busybox")
    long = bool(os.environ.get("ORRERY_TEST_LONG"))
    parser.add_argument("--seeds", default="1-100" if long else "1-2")
    parser.add_argument("--cpus", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2 if long else 1)
    options = parser.parse_args()
    for tool in ("musl-gcc", "cpio"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    first, last = (int(n) for n in options.seeds.split("-"))
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        program = os.path.join(directory, "smp_stress")
        subprocess.run(["musl-gcc", "-static", "-O1", "-o", program, SOURCE], check=True)
        qemu_programs.INIT = INIT.format(rounds=options.rounds, seed=first)
        image = qemu_programs.make_initramfs(["smp_stress"], directory, options.busybox, directory)
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            jobs = {seed: pool.submit(one, options, directory, image, seed) for seed in range(first, last + 1)}
            repeated = pool.submit(one, options, directory, image, first, 1)
            for seed, job in jobs.items():
                trouble, state = job.result()
                print(f"seed {seed}: {'failed' if trouble else 'passed'}, state {state}", flush=True)
                if trouble:
                    failed.append(seed)
                    print(trouble, flush=True)
            if repeated.result()[1] != jobs[first].result()[1]:
                failed.append(first)
                print(f"seed {first} twice: different states")
    print(f"{options.cpus} CPUs: {last - first + 1 - len(failed)} of {last - first + 1} seeds passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
