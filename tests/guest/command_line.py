#!/usr/bin/env python3
"""The command line as a user meets it: commands in the guest, exit statuses, --stats, and bad input.

usage: command_line.py ORRERY
"""
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import tempfile
import termios
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


def check_numbers(directory):
    """One rule for every number: decimal or 0x, no sign, no zero in front, and none too large to count with."""
    bad = ("-3", "+1", "010", "1e3", "", "0x", "18446744073709551616")
    for text in bad:
        refused(["run", f"--max-insns={text}", "--", "true"], "--max-insns")
        refused(["run", f"--seed={text}", "--", "true"], "--seed")
        refused(["run", f"--smp={text}", "--", "true"], "--smp")
        refused(["show", "registers", f"--vcpu={text}", "--", "true"], "--vcpu")
        refused(["run", "--device", f"isa-debug-exit,iobase={text}", "--", "true"], "port number")
        refused(["run", f"--gdb={text or 'x'}", "--", "true"], "--gdb")
    for text in ("9223372036854775808", "+1", "010", "1e3"):
        refused(["show", "registers", "--at", text, "--", "true"], text)
    refused(["run", "--max-insns", "9223372036854775808", "--", "true"], "--max-insns")
    refused(["show", "memory", "010", "--", "true"], "010")
    refused(["show", "memory", "0x1000", "+8", "--", "true"], "+8")
    refused(["show", "address-space", "01", "--", "true"], "01")
    for text in ("nan", "inf", "+1", "-1", "01", "5"):
        refused(["ui", "--headless", f"--scale={text}"], "--scale")
    refused(["ui", "--headless", "--size", "0800x600"], "--size")
    refused(["ui", "--headless", "--size", "+800x600"], "--size")
    status, _, err = orrery("run", "--max-insns", "0xF4240", "--seed", "0xffffffffffffffff", "--", "true")
    expect("hexadecimal numbers", status == 124 and "1000000 instructions" in err, err)
    odd = os.path.join(directory, "odd.img")
    with open(odd, "wb") as file:
        file.write(bytes(1000))
    refused(["run", "--disk", odd, "--", "true"], "512")
    refused(["run", "--drive", f"file={odd},if=virtio", "--", "true"], "512")


def check_machines(directory):
    """Options of the machine: a processor with flags, lists whose options are given again."""
    def flags(cpu):
        status, out, err = orrery("run", "--cpu", cpu, "--", "grep", "^flags", "/proc/cpuinfo")
        expect(f"--cpu {cpu}", status == 0, err)
        return set(out.split())

    usual, other = flags("v3"), flags("v3,-pcid,-x2apic,-avx,phys-bits=36")
    expect("flags taken away", usual - other == {"pcid", "x2apic", "avx", "avx2", "fma", "f16c"}, usual ^ other)
    for words, mention in (("v3,nosuch", "nosuch"), ("v3,phys-bits=99", "phys-bits=99"), ("v3,", "''"), ("", "v2")):
        refused(["run", "--cpu", words, "--", "true"], mention)
    refused(["run", "-m", "64G", "--cpu", "v2,phys-bits=36", "--", "true"], "phys-bits=36")
    result = orrery("run", "--device", "pc-testdev", "--device", "isa-debug-exit", "--device",
                    "isa-debug-exit,iobase=0x700,iosize=4", "--fw_cfg", "opt/a,string=1", "--fw_cfg", "opt/b,string=2",
                    "--", "echo", "several")
    expect("lists of devices and files", result == (0, "several\n", ""), result)
    refused(["run", "--fw_cfg", "opt/a,string=1", "--fw_cfg", "opt/a,string=2", "--", "true"], "the name is taken")
    refused(["run", "--seed", "1", "--seed", "2", "--", "true"], "--seed")
    disks = []
    for number in range(3):
        disks += ["--disk", os.path.join(directory, f"disk{number}")]
        with open(disks[-1], "wb") as file:
            file.write(bytes(4096 * (number + 1)))
    result = orrery("run", *disks, "--", "sh", "-c", "exit 0")
    expect("several disks", result[0] == 0, result)
    refused(["run", "--disk", ",rw", "--", "true"], "no file is named")
    result = orrery("run", "--rtc", "base=2001-09-09T01:46:40", "--", "date", "-u", "+%Y-%m-%d")
    expect("--rtc", result == (0, "2001-09-09\n", ""), result)
    status, out, err = orrery("--version")
    expect("--version names version and build", status == 0 and err == "" and
           re.fullmatch(r"orrery \d+\.\d+\.\d+ \(build \S+\)\n", out), (status, out, err))


def check_output(directory):
    """Output that cannot be written is an error: one line, and no status of success."""
    def failing(words, redirection):
        done = subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", ORRERY, *words], capture_output=True,
                              timeout=600)
        err = done.stderr.decode(errors="replace")
        name = f"{' '.join(words)} {redirection}"
        expect(f"{name}: a status", done.returncode not in (0, 141, -13), done)
        expect(f"{name}: one line", err.count("\n") == 1 and err.startswith("orrery: ") and "cannot be written" in err, err)

    recording = os.path.join(directory, "out.orr")
    expect("a recording", orrery("run", "--record", recording, "--", "echo", "a")[0] == 0)
    for redirection in (">&-", ">/dev/full"):
        failing(["run", "--", "echo", "a"], redirection)
        failing(["run", "--headless", "--max-insns", "100000000"], redirection)
        failing(["strace", "-o", "/dev/null", "--", "echo", "a"], redirection)
        failing(["show", "registers", "--at", "1000", "--", "true"], redirection)
        failing(["replay", recording], redirection)
        failing(["verify", recording], redirection)
        failing(["diff", recording, recording], redirection)
        failing(["--version"], redirection)
        failing(["run", "--help"], redirection)
    failing(["strace", "-o", "/dev/full", "--", "true"], "")
    failing(["run", "--stats", "/dev/full", "--", "true"], "")
    failing(["run", "--max-insns", "1000", "--save-snapshot", "/dev/full", "--headless"], "")
    status = subprocess.run([ORRERY, "strace", "--", "true"], stdout=subprocess.DEVNULL, timeout=600,
                            stderr=open("/dev/full", "wb")).returncode  # pylint: disable=consider-using-with
    expect("a trace that cannot be written", status not in (0, 2), status)
    expect("what prints nothing needs no output", subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", ORRERY, "run", "--", "true"], check=False, timeout=600).returncode == 0)
    # Nothing else gets the number of the closed stream, and the guest's output with it.
    inner = os.path.join(directory, "closed.orr")
    subprocess.run(["sh", "-c", 'exec "$@" >&- 2>&-', "sh", ORRERY, "run", "--record", inner, "--", "echo", "a"],
                   check=False, timeout=600)
    expect("a recording beside a closed output is whole", "damaged" not in orrery("verify", inner)[2])


def wait_for(condition):
    until = time.monotonic() + 300
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def check_signals(directory):
    """A signal ends the run as it would any program, with everything cleaned up behind it."""
    stats, snapshot = os.path.join(directory, "signal.json"), os.path.join(directory, "signal.snapshot")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A shell that waits at a terminal, which is raw meanwhile.
        control, terminal = pty.openpty()
        before = termios.tcgetattr(terminal)
        guest = subprocess.Popen([ORRERY, "run", "--headless", "--stats", stats, "--save-snapshot", snapshot],
                                 stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect("a terminal becomes raw", wait_for(lambda: termios.tcgetattr(terminal) != before))
        guest.send_signal(number)
        out, err = guest.communicate(timeout=600)
        expect(f"{number.name}: its own status", guest.returncode == -number, (guest.returncode, err))
        expect(f"{number.name}: the terminal is as it was", termios.tcgetattr(terminal) == before)
        expect(f"{number.name}: nothing is said", err == b"", err)
        with open(stats, encoding="utf-8") as file:
            expect(f"{number.name}: statistics", json.load(file)["instructions"] > 0)
        os.unlink(stats)
        expect(f"{number.name}: a snapshot", os.path.getsize(snapshot) > 1000, out)
        os.unlink(snapshot)
        os.close(control)
        os.close(terminal)
        # A command that does not end.
        guest = subprocess.Popen([ORRERY, "run", "--stats", stats, "--", "sh", "-c", "echo on; while :; do :; done"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect("the command runs", guest.stdout.readline() == b"on\n")
        guest.send_signal(number)
        err = guest.communicate(timeout=600)[1]
        expect(f"{number.name}: a command's end", guest.returncode == -number and err == b"", (guest.returncode, err))
        with open(stats, encoding="utf-8") as file:
            expect(f"{number.name}: a command's statistics", json.load(file)["instructions"] > 0)
        os.unlink(stats)
    # A closed pipe: as any program.
    guest = subprocess.Popen([ORRERY, "run", "--stats", stats, "--", "yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    guest.stdout.read(10)
    guest.stdout.close()
    err = guest.stderr.read()
    expect("a closed pipe ends the run", guest.wait(600) == -signal.SIGPIPE and err == b"", (guest.returncode, err))
    expect("and leaves statistics", os.path.exists(stats))
    expect("nothing else is left", sorted(name for name in os.listdir(directory) if name.startswith("signal")) ==
           ["signal.json"], os.listdir(directory))
    # A snapshot that does not fit leaves what was there.
    with open(snapshot, "wb") as file:
        file.write(b"before")
    done = subprocess.run([ORRERY, "run", "--max-insns", "9000000", "--save-snapshot", snapshot, "--", "true"],
                          capture_output=True, timeout=600, check=False, preexec_fn=lambda: (
                              signal.signal(signal.SIGXFSZ, signal.SIG_IGN),
                              resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))))
    expect("a snapshot that does not fit: one line", done.returncode not in (0, 124) and snapshot.encode() in done.stderr and
           done.stderr.count(b"\n") == 1, done)
    with open(snapshot, "rb") as file:
        expect("a snapshot that does not fit: the one before stays", file.read() == b"before")
    expect("a snapshot that does not fit: nothing else is left",
           [name for name in os.listdir(directory) if name.startswith("signal.snapshot")] == ["signal.snapshot"])


def main():
    with tempfile.TemporaryDirectory() as directory:
        check_commands()
        check_ends()
        check_stats(directory)
        check_snapshots(directory)
        check_bad_input(directory)
        check_numbers(directory)
        check_machines(directory)
        check_output(directory)
        check_signals(directory)
    print("command line:", "as expected" if FAILURES == 0 else f"{FAILURES} failures")
    sys.exit(FAILURES != 0)


main()
