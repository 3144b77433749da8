#!/usr/bin/env python3
"""The command line as a user meets it: commands in the guest, exit statuses, --stats, and bad input.

usage: command_line.py ORRERY
"""
import json
import os
import subprocess
import sys
import tempfile

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


def refused(words, mention):
    """Bad input: exit status 2, nothing on stdout, one line on stderr that names the trouble."""
    status, out, err = orrery(*words)
    expect(f"{' '.join(words)}: status 2", status == 2, (status, err))
    expect(f"{' '.join(words)}: one line on stderr", err.count("\n") == 1 and err.startswith("orrery: "), err)
    expect(f"{' '.join(words)}: says {mention!r}", mention in err, err)
    expect(f"{' '.join(words)}: nothing on stdout", out == "", out)


def check_commands():
    result = orrery("run", "--", "sh", "-c", "echo $((6*7)); uname -srm")
    expect("a command's output alone is on stdout", result == (0, "42\nLinux 6.1.0-orrery x86_64\n", ""), result)
    expect("options alone mean run", orrery("--headless", "--", "echo", "a  b", "it's")[1] == "a  b it's\n")
    for status in (0, 1, 7, 126, 127, 128, 255):
        result = orrery("run", "--", "sh", "-c", f"exit {status}")
        expect(f"exit {status}", result[0] == status, result)
    expect("a command that is not there", orrery("run", "--", "no-such-command")[0] == 127)
    result = orrery("run", "--", "sh", "-c", "kill -SEGV $$")
    expect("a signal's status is as a shell reports it", result[0] == 128 + 11, result)
    digest = "080acf35a507ac9849cfcba47dc2ad83e01b75663a516279c8b9d243b719643e"
    result = orrery("run", "--", "sh", "-c", "dd if=/dev/zero bs=1M count=16 2>/dev/null | sha256sum")
    expect("sixteen mebibytes through a pipe", result[1] == digest + "  -\n", result)
    typed = b"echo $((40 + 2))\nreboot -f\necho second; poweroff -f\n"
    result = orrery("run", "--headless", stdin=typed)
    expect("what comes on stdin is typed; reboot boots again", result[0] == 0 and "\n42\r\n" in result[1].replace("\r\r", "\r")
           and result[1].count("Linux version") == 2, result)


def check_ends():
    status, _, err = orrery("run", "--max-insns", "1000000", "--", "true")
    expect("a used-up budget is status 124", status == 124 and "1000000 instructions" in err, err)
    status, out, _ = orrery("run", "--headless", "--append", "rdinit=/nonexistent init=/nonexistent panic=0")
    expect("a guest's panic is status 255", status == 255 and "Kernel panic" in out, (status, out[-300:]))


def check_stats(directory):
    path = os.path.join(directory, "stats.json")
    hashes = set()
    for _ in range(2):
        expect("--stats does not change the status", orrery("run", "--stats", path, "--", "true")[0] == 0)
        with open(path, encoding="utf-8") as file:
            stats = json.load(file)
        hashes.add(stats["state_hash"])
    expect("two runs end in one state", len(hashes) == 1, hashes)
    for key in ("instructions", "cycles", "tlb", "walks", "exceptions", "page_faults", "interrupts", "host_seconds"):
        expect(f"--stats has {key}", key in stats, stats)


def check_snapshots(directory):
    """Stopped anywhere, saved, and gone on with: the end is the run's own."""
    command = ["--", "sh", "-c", "ls / | md5sum; exit 5"]
    stats, snapshot = os.path.join(directory, "stats.json"), os.path.join(directory, "snapshot")

    def end_of(*words):
        status, out, err = orrery("run", "--stats", stats, *words, *command)
        with open(stats, encoding="utf-8") as file:
            return status, out, err, json.load(file)["state_hash"]

    whole = end_of()
    for moment in ("1", "3000000", "9500000"):
        status, before, err = orrery("run", "--max-insns", moment, "--save-snapshot", snapshot, *command)
        expect(f"stopped at {moment}", status == 124, err)
        rest = end_of("--load-snapshot", snapshot)
        expect(f"resumed from {moment}: the same end", (rest[0], before + rest[1], rest[3]) ==
               (whole[0], whole[1], whole[3]), (whole, rest))
    refused(["run", "--headless", "--seed", "1", "--load-snapshot", snapshot], "seed")
    refused(["run", "--headless", "-m", "256M", "--load-snapshot", snapshot], "memory")
    refused(["run", "--headless", "--cpu", "v3", "--load-snapshot", snapshot], "--cpu")
    with open(snapshot, "rb") as file:
        content = file.read()
    for name, bad in (("cut", content[:len(content) // 2]), ("foreign", b"hello" * 10), ("none", b""),
                      ("flipped", content[:5000] + bytes([content[5000] ^ 1]) + content[5001:])):
        with open(snapshot + name, "wb") as file:
            file.write(bad)
        refused(["run", "--headless", "--load-snapshot", snapshot + name], snapshot + name)
    refused(["run", "--headless", "--load-snapshot", snapshot + "missing"], "missing")
    refused(["run", "--headless", "--save-snapshot", "/nonexistent/snapshot"], "/nonexistent/snapshot")


def check_bad_input(directory):
    def file(name, content):
        path = os.path.join(directory, name)
        with open(path, "wb") as out:
            out.write(content)
        return path

    with open(os.path.join(os.path.dirname(ORRERY), "guest-kernel.elf"), "rb") as kernel:
        elf = kernel.read()
    refused(["run", "--headless", "--kernel", os.path.join(directory, "missing")], "missing")
    refused(["run", "--headless", "--kernel", file("empty", b"")], "empty")
    refused(["run", "--headless", "--kernel", file("cut", elf[:100])], "cut")
    refused(["run", "--headless", "--kernel", file("half", elf[:len(elf) // 2])], "half")
    refused(["run", "--headless", "--kernel", file("text", b"hello, world\n" * 100)], "text")
    refused(["run", "--headless", "--kernel", "/bin/ls"], "/bin/ls")
    refused(["run", "--headless", "--kernel", directory], directory)
    refused(["run", "--headless", "--initrd", os.path.join(directory, "missing.cpio")], "missing.cpio")
    refused(["run", "--headless", "--initrd", file("empty.cpio", b"")], "empty.cpio")
    refused(["run", "--headless", "-m", "0"], "-m 0")
    refused(["run", "--headless", "-m", "1M"], "M")
    refused(["run", "--headless", "-m", "lots"], "lots")
    refused(["run", "--headless", "-m", "-5"], "-5")
    refused(["run", "--headless", "--smp", "0"], "0")
    refused(["run", "--headless", "--cpu", "v9"], "v9")
    refused(["run", "--headless", "--clock", "sundial"], "sundial")
    refused(["run", "--no-such-option"], "--no-such-option")
    refused(["fly"], "fly")
    refused(["run", "--"], "no command")
    refused(["run", "--stats", "/nonexistent/stats.json", "--", "true"], "/nonexistent/stats.json")
    refused(["show"], "window")
    refused(["show", "no-such-window"], "no-such-window")
    refused(["show", "page-walk", "0xzz"], "0xzz")
    refused(["ui", "--headless", "--script", os.path.join(directory, "missing.script")], "missing.script")
    refused(["ui", "--headless", "--script", file("bad.script", b"boot\nfly away\n")], "bad.script:2")
    refused(["ui", "--headless", "--screenshot", "/nonexistent/shot.png"], "/nonexistent/shot.png")
    refused(["ui", "--headless", "--size", "tiny"], "tiny")


def main():
    with tempfile.TemporaryDirectory() as directory:
        check_commands()
        check_ends()
        check_stats(directory)
        check_snapshots(directory)
        check_bad_input(directory)
    print("command line:", "as expected" if FAILURES == 0 else f"{FAILURES} failures")
    sys.exit(FAILURES != 0)


main()
