#!/usr/bin/env python3
"""Our kernel under programs made to break kernels, from the Debian disk: trinity's random calls as nobody, once of both
tables and once of the 32-bit one alone, and a set of stress-ng's stressors, on 1 and on 4 CPUs, until so many guest
instructions have run. After each round the machine must answer, nothing of it be left running, and its memory be free again.

usage: endurance.py ORRERY DISK [--insns N] [--seed N]

--insns    instructions over all rounds, 2e9 if not given (1e11 where ORRERY_TEST_LONG is set); rounds are whole
--seed     of the first round; each round takes the next
Exit status 77: the disk is not here.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

MEMORY = "512M"
# Guest seconds that a round may take, and instructions that it cannot reach unless time stands still.
ROUND_SECONDS, ROUND_INSNS = 0.5, 20_000_000_000
# What may be missing afterwards: caches that are not emptied by drop_caches, in KiB.
LEFT_KIB = 6 << 10

# Each ends by its operations, not by time.
STRESSORS = """--cpu 2 --cpu-ops 10 --fork 2 --fork-ops 40 --vfork 1 --vfork-ops 40 --clone 1 --clone-ops 40 --pipe 2
    --pipe-ops 2000 --futex 1 --futex-ops 2000 --sigq 1 --sigq-ops 500 --kill 1 --kill-ops 500 --mmap 1 --mmap-ops 1
    --mmap-bytes 4m --mremap 1 --mremap-ops 20 --mremap-bytes 4m --timer 1 --timer-ops 200 --timerfd 1 --timerfd-ops 200
    --poll 1 --poll-ops 200 --eventfd 1 --eventfd-ops 500 --shm 1 --shm-ops 5 --shm-bytes 1m --msg 1 --msg-ops 2000
    --sem-sysv 1 --sem-sysv-ops 500 --switch 1 --switch-ops 1000 --vm 1 --vm-ops 4 --vm-bytes 4m --dentry 1
    --dentry-ops 200 --dir 1 --dir-ops 100 --link 1 --link-ops 1 --rename 1 --rename-ops 200 --flock 1 --flock-ops 500
    --fcntl 1 --fcntl-ops 100 --pthread 1 --pthread-ops 100 --mutex 1 --mutex-ops 200 --brk 1 --brk-ops 200
    --inotify 1 --inotify-ops 10 --get 1 --get-ops 20 --procfs 1 --procfs-ops 5 --zombie 1 --zombie-ops 20 --wait 1
    --wait-ops 50"""

PRELUDE = """
free() {
    ipcrm -a 2> /dev/null; rm -rf /tmp/* /dev/shm/* 2> /dev/null; sync; echo 3 > /proc/sys/vm/drop_caches
    while read name kib rest; do [ $name != MemFree: ] || echo "$1 $kib"; done < /proc/meminfo
}
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "$@"; }
round() {
    mkdir -p /tmp/round && chmod 1777 /tmp /tmp/round && cd /tmp/round && "$@"; echo "status $?"; cd /
    for i in 1 2 3 4 5; do pkill -KILL -u 65534 || break; sleep 0.05; done
    # Of nobody's nothing may live on.
    pgrep -u 65534 -l | sed 's/^/left: /'
}
"""


def trinity(options):
    return (f"trinity() {{ as_nobody timeout -k 1 $2 trinity -q {options} -s $1 -N 100000000 -C 4 > /dev/null 2>&1; }}\n"
            f"round trinity 1 0.3; free before; round trinity SEED {ROUND_SECONDS}; free after", {124, 137})


ROUNDS = {
    "trinity": trinity(""),  # both tables
    "trinity of 32-bit calls": trinity("-a 32"),  # by INT 0x80
    "stress-ng": (
        "stress() { as_nobody stress-ng --seed $1 --temp-path /tmp/round --timeout 15 $2 2>&1 | grep -vE ' info:'; "
        "return ${PIPESTATUS[0]}; }\n"
        "round stress 1 '--fork 1 --fork-ops 10 --get 1 --get-ops 2 --mmap 1 --mmap-ops 1 --mmap-bytes 4m'; free before; "
        f"round stress SEED '{' '.join(STRESSORS.split())}'; free after", {0}),
}


def one_round(orrery, disk, kind, cpus, seed):
    """Runs it; what failed, as text, and how many instructions it took."""
    script, allowed = ROUNDS[kind]
    with tempfile.NamedTemporaryFile(suffix=".json") as stats:
        command = [orrery, "run", "--headless", "--smp", str(cpus), "--seed", str(seed), "-m", MEMORY, "--disk", disk,
                   "--max-insns", str(ROUND_INSNS), "--stats", stats.name, "--", "bash", "-c",
                   PRELUDE + script.replace("SEED", str(seed)) + "\necho alive"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        insns = json.load(open(stats.name)).get("instructions", 0)
    out = done.stdout.decode(errors="replace").replace("\r", "")
    wrong = []
    if done.returncode != 0 or not out.rstrip().endswith("alive"):
        wrong.append(f"the machine ended with status {done.returncode}")
    statuses = [int(s) for s in re.findall(r"^status (\d+)", out, re.M)]
    if len(statuses) != 2 or statuses[1] not in allowed:
        wrong.append(f"ended with {statuses[1:]}, allowed: {sorted(allowed)}")
    wrong += re.findall(r"^left: .*", out, re.M)
    free = dict(re.findall(r"^(before|after) (\d+)", out, re.M))
    lost = int(free.get("before", 0)) - int(free.get("after", 0))
    if len(free) != 2 or lost > LEFT_KIB:
        wrong.append(f"{lost} KiB are missing afterwards")
    print(f"{'FAIL' if wrong else 'ok  '}  {kind}, {cpus} CPU{'s' if cpus > 1 else ''}, seed {seed}: {insns / 1e6:.0f} million "
          f"instructions, {lost} KiB not free again", flush=True)
    if wrong:
        print("\n".join(wrong + out.splitlines()[-25:]), flush=True)
    return bool(wrong), insns


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("orrery")
    parser.add_argument("disk")
    parser.add_argument("--insns", type=float, default=1e11 if os.environ.get("ORRERY_TEST_LONG") else 2e9)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not os.path.exists(options.disk):
        print(f"{options.disk} is not here: build the target debian-image")
        return 77
    total, failures, rounds, seed = 0, 0, 0, options.seed
    while total < options.insns:
        for kind in ROUNDS:
            for cpus in (1, 4):
                failed, insns = one_round(options.orrery, options.disk, kind, cpus, seed)
                failures += failed
                total += insns
                rounds += 1
        seed += 1
    print(f"{rounds - failures} of {rounds} rounds passed, {total / 1e9:.1f}e9 instructions")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
