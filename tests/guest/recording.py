#!/usr/bin/env python3
"""Recordings on our kernel: recorded, verified, replayed; cut short at any moment; damaged; two that part.

usage: recording.py ORRERY [--linux]        --linux: on Debian's kernel, with several CPUs (exit status 77 without it)
"""
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ORRERY = sys.argv[1]
FAILURES = 0


def orrery(*words, stdin=b""):
    done = subprocess.run([ORRERY, *words], capture_output=True, timeout=600, input=stdin)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def expect(what, condition, shown=None):
    global FAILURES
    if not condition:
        FAILURES += 1
        print(f"FAILED: {what}\n{shown}")


def refused(words, mention, expected=2):
    """Exit status `expected`, nothing on stdout, one line on stderr that names the trouble."""
    status, out, err = orrery(*words)
    expect(f"{' '.join(words)}: status {expected}", status == expected, (status, err))
    expect(f"{' '.join(words)}: one line on stderr", err.count("\n") == 1 and err.startswith("orrery: "), err)
    expect(f"{' '.join(words)}: says {mention!r}", mention in err, err)
    expect(f"{' '.join(words)}: nothing on stdout", out == "", out)


def stats_of(path):
    with open(path, encoding="utf-8") as file:
        stats = json.load(file)
    stats.pop("host_seconds")
    return stats


def record_and_replay(directory, name, words, stdin=b""):
    """Records, verifies, replays; the recording's path."""
    path, stats, again = (os.path.join(directory, name + end) for end in (".orr", ".json", "-again.json"))
    status, out, err = orrery("run", "--record", path, "--stats", stats, *words, stdin=stdin)
    verified = orrery("verify", path)
    expect(f"{name}: verified", verified[0] == 0 and re.fullmatch(r"chain equal: \d+ links, \d+ instructions\n",
                                                                 verified[1]) and verified[2] == "", verified)
    replayed = orrery("replay", path, "--headless", "--stats", again)
    expect(f"{name}: the replay has the run's status and output", replayed[:2] == (status, out),
           (status, replayed[0], out[-300:], replayed[1][-300:]))
    expect(f"{name}: the replay's statistics are the run's", stats_of(stats) == stats_of(again))
    return path, stats_of(stats)


def check_commands(directory):
    command = "ls -l / | wc -l; echo $RANDOM; exit 3"
    path, stats = record_and_replay(directory, "command", ["--", "sh", "-c", command])
    expect("a short run's recording is small", os.path.getsize(path) < 20_000, os.path.getsize(path))
    traced = orrery("strace", "--", "sh", "-c", command)
    expect("the same system calls", orrery("strace", "--replay", path) == traced, traced)
    middle = str(stats["instructions"] * 3 // 4)
    shown = orrery("show", "registers", "--at", middle, "--", "sh", "-c", command)
    expect("the same registers in the middle", orrery("show", "registers", "--replay", path, "--at", middle) == shown, shown)
    status, out, _ = orrery("replay", path, "--to", middle, "--stats", path + ".json")
    expect("a replay up to a moment", status == 0 and stats_of(path + ".json")["instructions"] == int(middle), out)
    record_and_replay(directory, "smp", ["--smp", "3", "--seed", "9", "-m", "256M", "--", "sh", "-c",
                                         "for i in 1 2 3; do (echo $i; sleep 1) & done; wait"])
    record_and_replay(directory, "budget", ["--max-insns", "9000000", "--clock", "icount", "--", "true"])


def check_typed(directory):
    """What a person types, at moments that depend on the host."""
    path = os.path.join(directory, "typed.orr")
    guest = subprocess.Popen([ORRERY, "run", "--headless", "--record", path], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    chance = random.Random(1)
    for line in ("echo a$((20+3))b", "ls /proc | head -3", "reboot -f", "echo again", "poweroff -f"):
        time.sleep(chance.uniform(0.05, 0.5))
        guest.stdin.write(line.encode() + b"\n")
        guest.stdin.flush()
    out, err = guest.communicate(timeout=600)
    expect("the typed run ended", guest.returncode == 0 and b"a23b" in out and out.count(b"Linux version") == 2,
           (guest.returncode, out[-500:], err))
    expect("a typed run is verified", orrery("verify", path)[0] == 0, orrery("verify", path))
    replayed = orrery("replay", path)
    expect("a typed run prints the same again", replayed[:2] == (0, out.decode(errors="replace")), replayed[1][-500:])


def check_images(directory):
    """Embedded ones; found elsewhere; changed; missing; disks."""
    images = os.path.join(os.path.dirname(os.path.abspath(ORRERY)))
    there, elsewhere = os.path.join(directory, "there"), os.path.join(directory, "elsewhere")
    os.mkdir(there)
    os.mkdir(elsewhere)
    kernel, disk = os.path.join(there, "kernel"), os.path.join(there, "disk")
    shutil.copy(os.path.join(images, "guest-kernel.elf"), kernel)
    with open(disk, "wb") as file:
        file.write(os.urandom(8192))
        file.truncate(1 << 20)
    initrd = os.path.join(images, "images", "initramfs.cpio")
    options = ["--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0 orrery.exit_on_panic"]
    command = ["--", "sh", "-c", "echo $((7*7))"]
    linked, _ = record_and_replay(directory, "linked", [*options, "--disk", disk, *command])
    embedded, _ = record_and_replay(directory, "embedded", ["--embed", *options, "--disk", disk + ",rw", *command])
    refused(["run", "--record", os.path.join(directory, "rw.orr"), *options, "--disk", disk + ",rw", *command], "--embed")
    os.rename(kernel, kernel + ".away")
    refused(["replay", linked], kernel)
    refused(["diff", linked, linked], kernel)
    expect("embedded images need no files", orrery("verify", embedded)[0] == 0, orrery("verify", embedded))
    shutil.copy(kernel + ".away", os.path.join(elsewhere, "kernel"))
    moved = os.path.join(elsewhere, "moved.orr")
    shutil.copy(linked, moved)
    expect("an image beside the recording is found", orrery("replay", moved)[1] == "49\n", orrery("replay", moved))
    with open(os.path.join(elsewhere, "kernel"), "r+b") as file:
        file.seek(100_000)
        file.write(b"changed")
    refused(["replay", moved], "is not what it was")


def check_bad_input(directory, good):
    with open(good, "rb") as file:
        content = file.read()

    def file_of(name, data):
        path = os.path.join(directory, name)
        with open(path, "wb") as out:
            out.write(data)
        return path

    for command in ("replay", "verify"):
        refused([command, os.path.join(directory, "missing")], "missing")
        refused([command, file_of("text", b"hello, world\n")], "is not a recording")
        refused([command, file_of("empty", b"")], "is not a recording")
        refused([command, file_of("version", content[:7] + b"\x63" + content[8:])], "format 99")
        refused([command, file_of("flipped", content[:300] + bytes([content[300] ^ 4]) + content[301:])], "damaged", 3)
        refused([command, file_of("header", content[:100])], "cut short", 3)
        refused([command, good, "--run", "5"], "--run")
    refused(["run", "--embed", "--", "true"], "--record")
    refused(["run", "--record", "/nonexistent/a", "--", "true"], "/nonexistent/a")
    refused(["strace", "--replay", good, "--", "true"], "--replay")
    refused(["show", "registers", "--smp", "2", "--replay", good], "--replay")


def check_killed(directory, kills):
    """kill -9 at random moments: what is there is readable, and right as far as it goes."""
    chance = random.Random(2)
    unreadable = 0
    for number in range(kills):
        path = os.path.join(directory, "killed.orr")
        guest = subprocess.Popen([ORRERY, "run", "--headless", "--record", path], stdin=subprocess.PIPE,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(path):
            time.sleep(0.005)
        until = time.monotonic() + chance.uniform(0, 0.6)
        while time.monotonic() < until:
            guest.stdin.write(b"echo $RANDOM\n")
            guest.stdin.flush()
            time.sleep(0.02)
        guest.send_signal(signal.SIGKILL)
        guest.wait()
        guest.stdin.close()
        # To read is to check every block; a few are computed again too.
        status, out, err = orrery("verify" if number % 10 == 0 else "replay", path, *([] if number % 10 == 0 else ["--to", "0"]))
        if status != 0 or "is cut short" not in err:
            unreadable += 1
            print(status, out, err)
        os.unlink(path)
    expect(f"{kills} recordings killed, and readable", unreadable == 0, unreadable)


def parts(paths, options):
    """Two recordings part at one instruction: the registers are the same before it, and not after it."""
    same = orrery("diff", paths[0], paths[0])
    expect("a recording is the same as itself", same[0] == 0 and same[1].startswith("the same: "), same)
    status, out, err = orrery("diff", *paths)
    found = re.search(r"first instruction that differs: the states are the same after (\d+) instructions", out)
    expect("two runs part", status == 1 and "first event that differs" in out and found, (status, out, err))
    if not found:
        return out
    count = int(found.group(1))

    def registers(path, at):
        return [orrery("show", "registers", "--replay", path, "--at", str(at), *words)[1] for words in options]

    expect("the same registers before that instruction", registers(paths[0], count) == registers(paths[1], count), out)
    expect("other registers after it", registers(paths[0], count + 1) != registers(paths[1], count + 1), out)
    return out


def check_full(directory):
    """A disk that gets full while the images are embedded, or with the header: the machine runs on."""
    for name, limit, words in (("images", 1_000_000, ["--embed"]), ("header", 10, [])):
        path = os.path.join(directory, name + ".orr")
        done = subprocess.run([ORRERY, "run", "--record", path, *words, "--", "sh", "-c", "echo on; exit 4"],
                              capture_output=True, timeout=600, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        expect(f"{name}: the run goes on", (done.returncode, done.stdout) == (4, b"on\n"), done)
        expect(f"{name}: one line says so", done.stderr.count(b"\n") == 1 and b"nothing is recorded" in done.stderr and
               path.encode() in done.stderr, done.stderr)
        expect(f"{name}: nothing is left", not os.path.exists(path) and not os.path.exists(path + ".part"))


def check_diff(directory):
    """Two runs that are the same up to what is typed: they part where the guest reads it."""
    paths = [os.path.join(directory, f"typed{number}.orr") for number in (1, 2)]
    for number, path in enumerate(paths):
        orrery("run", "--headless", "--record", path, stdin=f"echo {number}\npoweroff -f\n".encode())
    out = parts(paths, [[]])
    expect("diff names the input", "first input that differs" in out and "for uart16550.0" in out, out)
    expect("diff names the instruction that reads it", re.search(r"\n  A: CPU 0, ring 0, 0x\w+ .*: in al, dx\n", out), out)
    for path in paths:
        os.unlink(path)
    orrery("run", "--record", paths[0], "--", "echo", "a")
    orrery("run", "--record", paths[1], "--", "echo", "b")
    status, out, _ = orrery("diff", *paths)
    expect("other images differ from the start", status == 1 and "commands after -- are not the same" in out and
           "they differ from the start: ram\n" in out, out)


def check_linux(directory):
    record_and_replay(directory, "linux", ["--linux", "--smp", "4", "--", "sh", "-c", "ls -l / | wc -l; echo $RANDOM"])
    if not os.environ.get("ORRERY_TEST_LONG"):
        return
    # Two seeds on two CPUs: which CPU executes what, and when.
    paths = [os.path.join(directory, f"seed{seed}.orr") for seed in (1, 2)]
    for seed, path in enumerate(paths, 1):
        orrery("run", "--linux", "--record", path, "--smp", "2", "--seed", str(seed), "--max-insns", "4800000000", "--", "true")
    out = parts(paths, [["--vcpu", "0"], ["--vcpu", "1"]])
    expect("diff names the seeds", out.startswith("seed: 1 and 2\n"), out)


def main():
    if "--linux" in sys.argv and not os.path.exists(os.path.join(os.path.dirname(ORRERY), "images", "linux", "bzImage")):
        print("there is no Linux: target linux-images")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        if "--linux" in sys.argv:
            check_linux(directory)
        else:
            check_commands(directory)
            check_bad_input(directory, os.path.join(directory, "command.orr"))
            check_typed(directory)
            check_images(directory)
            check_killed(directory, 50)
            check_full(directory)
            check_diff(directory)
    print("failures:", FAILURES)
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
