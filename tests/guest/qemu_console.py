#!/usr/bin/env python3
"""Types at the guest's serial console, as a person would, and checks what appears: line editing, Ctrl-C, Ctrl-Z,
job control, background reading and writing, a full-screen vi, and the power-off.

usage: qemu_console.py KERNEL BUSYBOX     exit status: 0 all as expected, 1 not, 77 cannot run here
Environment: ORRERY_GUEST_TIMEOUT seconds for one step (30), ORRERY_QEMU_ARGS more arguments for QEMU.
"""
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

STEP_SECONDS = int(os.environ.get("ORRERY_GUEST_TIMEOUT", "30"))
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/ PS1='ready> '
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
cd /tmp
setsid cttyhack sh -i
poweroff -f
"""

CTRL_C, CTRL_D, CTRL_Z, ESC = "\x03", "\x04", "\x1a", "\x1b"

# (what is tested, keys, what must appear then, seconds to wait before the keys). A mark that the program prints,
# written GO''ON so that its echo does not match, says when it is ready for the next keys.
STEPS = [
    ("the shell starts", "", "ready> ", 0),
    ("the console is the terminal", "tty\n", "/dev/ttyS0", 0),
    ("Ctrl-C ends the foreground program", "echo GO''ON; sleep 100\n", "GOON", 0),
    ("", CTRL_C, "ready> ", 1),
    ("with the status of SIGINT", "echo st=$?\n", "st=130", 0),
    ("Ctrl-Z stops it", "echo GO''ON; sleep 100\n", "GOON", 0),
    ("", CTRL_Z, "Stopped", 1),
    ("bg lets it go on", "bg\n", "sleep 100", 0),
    ("", "jobs\n", "Running", 0),
    ("kill ends a job", "kill %1; wait; echo st=$?\n", "st=", 0),
    ("a line is edited before it is read", "echo GO''ON; cat\n", "GOON", 0),
    ("", "abc\x7fd\n", "abd\r\n", 1),
    ("", "foo bar\x17baz\n", "foo baz\r\n", 0),
    ("Ctrl-D ends the input", CTRL_D, "ready> ", 0),
    ("a background reader is stopped", "cat &\n", "ready> ", 0),
    ("", "\n", "Stopped \\(tty input\\)", 1),
    ("", "kill -9 %1; wait 2>/dev/null; echo GO''ON\n", "GOON", 0),
    ("Ctrl-C reaches the whole foreground group", "(echo GO''ON; sleep 60; echo never) | cat\n", "GOON", 0),
    ("", CTRL_C, "ready> ", 1),
    ("and nothing in the background", "sleep 61 & (echo GO''ON; sleep 60)\n", "GOON", 0),
    ("", CTRL_C, "ready> ", 1),
    ("", "jobs; kill %1; wait\n", "Running +sleep 61", 0),
    ("a program that ignores SIGINT survives", "(trap '' INT; echo GO''ON; sleep 3; echo sur''vived)\n", "GOON", 0),
    ("", CTRL_C, "survived", 1),
    ("echo can be off", "stty -echo; echo GO''ON; read x; stty echo; echo got=$x\n", "GOON", 0),
    ("", "secret\n", "^[^s]*got=secret", 1),
    ("TOSTOP stops a background writer", "stty tostop; (sleep 1; echo from''back) &\n", "ready> ", 0),
    ("", "\n", "Stopped \\(tty output\\)", 3),
    ("and fg lets it write", "stty -tostop; fg\n", "fromback", 0),
    ("a pipeline stops and goes on as one", "echo GO''ON; sleep 77 | sleep 88\n", "GOON", 0),
    ("", CTRL_Z, "Stopped", 1),
    ("", "fg\n", "sleep 88", 0),
    ("", CTRL_C, "ready> ", 1),
    ("the window's size is kept", "stty rows 30 cols 100; stty size\n", "30 100", 0),
    ("a new session has no terminal", "setsid sh -c 'sleep 0; cat /dev/tty'\n", "No such device or address", 0),
    ("ps knows the terminal and the groups", "ps -o pid,pgid,sid,tty,comm | grep ' sh$'\n", r"(\d+) +\1 +\1 4,64 +sh", 0),
    ("vi draws its screen", "vi file\n", "~.*file", 0),
    ("", "ihello from vi" + ESC, "Modified", 2),
    ("", "yyp", "Put 1 lines", 1),
    ("", ":wq\r", "ready> ", 1),
    ("and writes the file", "cat file; wc -l < file\n", "hello from vi\r\nhello from vi\r\n2", 0),
    ("the power goes off", "poweroff -f\n", "Power down", 1),
]


class Guest:
    def __init__(self, kernel, image):
        command = ["qemu-system-x86_64", "-m", "256M", "-kernel", kernel, "-initrd", image, "-append",
                   "console=ttyS0 loglevel=6 orrery.exit_on_panic", "-display", "none", "-serial", "stdio",
                   "-monitor", "none", "-no-reboot"] + os.environ.get("ORRERY_QEMU_ARGS", "").split()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.unread = ""
        self.seen = ""

    def expect(self, pattern):
        end = time.monotonic() + STEP_SECONDS
        while True:
            match = re.search(pattern, self.unread, re.S)
            if match:
                self.unread = self.unread[match.end():]
                return True
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return False
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return False
            self.unread += data.decode(errors="replace")
            self.seen += data.decode(errors="replace")

    def type(self, keys):
        self.process.stdin.write(keys.encode())
        self.process.stdin.flush()


def make_image(busybox, directory):
    root = os.path.join(directory, "root")
    for d in ("bin", "dev", "proc", "tmp", "etc"):
        os.makedirs(os.path.join(root, d))
    shutil.copy(busybox, os.path.join(root, "bin/busybox"))
    with open(os.path.join(root, "init"), "w") as f:
        f.write(INIT)
    os.chmod(os.path.join(root, "init"), 0o755)
    image = os.path.join(directory, "initramfs.cpio")
    with open(image, "wb") as out:
        find = subprocess.run(["find", "."], cwd=root, stdout=subprocess.PIPE, check=True)
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, input=find.stdout, stdout=out,
                       check=True)
    return image


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    for tool in ("qemu-system-x86_64", "cpio"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    with tempfile.TemporaryDirectory() as directory:
        guest = Guest(sys.argv[1], make_image(sys.argv[2], directory))
        try:
            for what, keys, pattern, pause in STEPS:
                time.sleep(pause)
                if keys:
                    guest.type(keys)
                if not guest.expect(pattern):
                    print(f"FAILED: {what or 'the step before'}: {pattern!r} did not appear after {keys!r}; the console:")
                    print("\n".join(guest.seen.splitlines()[-25:]))
                    return 1
                if what:
                    print(f"ok: {what}")
        finally:
            guest.process.terminate()
            guest.process.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
