#!/usr/bin/env python3
"""The gdb stub's socket and protocol, by a client that sends what gdb does not: who may attach and when, vanishing clients,
a guest with a console, and bad options.

usage: gdb_protocol.py ORRERY
"""
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

ORRERY = os.path.abspath(sys.argv[1])
FAILURES = 0


def expect(what, condition, shown=None):
    global FAILURES
    if not condition:
        FAILURES += 1
        print(f"FAILED: {what}\n{shown}")


class Remote:
    """One client."""

    def __init__(self, address):
        if address.startswith("localhost:"):
            self.socket = socket.create_connection(("127.0.0.1", int(address[10:])))
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(address)
        self.socket.settimeout(120)
        self.buffer = b""
        self.ask("QStartNoAckMode")

    def send(self, payload):
        data = payload.encode()
        self.socket.sendall(b"$" + data + b"#%02x" % (sum(data) & 0xff))

    def receive(self):
        while True:
            packet = re.search(rb"\$([^#]*)#..", self.buffer, re.S)
            if packet:
                self.buffer = self.buffer[packet.end():]
                return packet.group(1).decode()
            more = self.socket.recv(65536)
            if not more:
                return None
            self.buffer += more

    def ask(self, payload):
        self.send(payload)
        return self.receive()

    def rip(self):
        return int.from_bytes(bytes.fromhex(self.ask("p10")), "little")

    def monitor(self, command):
        answer, text = self.ask("qRcmd," + command.encode().hex()), ""
        while answer != "OK":
            text += bytes.fromhex(answer[1:]).decode()
            answer = self.receive()
        return text

    def close(self):
        self.socket.close()


class Guest:
    """A guest with a gdb server; `stdin`: its keyboard, for one without a command."""

    def __init__(self, *options, command=(), gdb="0", stdin=b""):
        words = [ORRERY, "run", "--headless", "--gdb", gdb, *options, *(["--", *command] if command else [])]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if stdin:
            self.process.stdin.write(stdin)
        self.process.stdin.close()
        self.address = self.process.stderr.readline().decode().split("target remote ")[1].strip()

    def end(self):
        """Status and output."""
        out = self.process.stdout.read().decode(errors="replace")
        return self.process.wait(timeout=300), out


def check_attaching():
    guest = Guest("-S", command=["echo", "done"])
    port = int(guest.address.split(":")[1])
    with open("/proc/net/tcp") as table:
        locals_ = [line.split()[1] for line in table if f":{port:04X} 00000000:0000 0A" in line]
    expect("the port is the loopback's alone", locals_ == [f"0100007F:{port:04X}"], locals_)
    first = Remote(guest.address)
    second = socket.create_connection(("127.0.0.1", port))
    second.settimeout(60)
    expect("a second client is turned away", second.recv(1) == b"")
    expect("-S: nothing has run", first.monitor("where").startswith("instruction 0, 0 ns"))
    first.close()  # without having let it run
    third = Remote(guest.address)
    expect("-S: still nothing", third.monitor("where").startswith("instruction 0, 0 ns"))
    for bad in ["m", "mz,1", "M0,1:z", "Z0,,1", "vCont;x", "Hgx", "qXfer:features:read:target.xml:z"]:
        expect(f"an error for {bad}", third.ask(bad).startswith("E"))
    third.socket.sendall(b"noise $m0,4#00 $" + b"a" * 70000 + b"#00")
    expect("a damaged packet", third.receive().startswith("E"))
    expect("a packet that is too long", third.receive().startswith("E"))
    expect("and it still listens", third.ask("qC") == "QC1")
    third.send("c")
    third.close()  # vanishes while the machine runs
    expect("the machine runs on without a client", guest.end() == (0, "done\n"))


def check_console():
    """What a guest prints is printed once, however often it was computed; keys wait while gdb holds the machine."""
    guest = Guest("-S", stdin=b"echo $((40 + 2))\npoweroff -f\n")
    remote = Remote(guest.address)
    remote.send("c")
    time.sleep(0.2)
    remote.socket.sendall(b"\x03")
    stop = remote.receive()
    if stop.startswith("T02"):  # else the guest was faster
        expect("back to the beginning", "replaylog:begin" in remote.ask("bc"))
        stop = remote.ask("c")
    expect("on to the end", "replaylog:end" in stop, stop)
    expect("its status", remote.ask("c") == "W00")
    status, out = guest.end()
    expect("all is printed once", status == 0 and out.count("Linux version") == 1
           and out.replace("\r", "").count("\n42\n") == 1, (status, out))


def check_socket_file(directory):
    path = os.path.join(directory, "socket")
    guest = Guest("-S", command=["true"], gdb=path)
    status = subprocess.run([ORRERY, "run", "--gdb", path, "--", "true"], capture_output=True)
    expect("one server a path", status.returncode == 2 and b"somebody else listens there" in status.stderr, status)
    guest.process.kill()
    guest.process.wait()
    expect("a killed server leaves its socket", os.path.exists(path))
    guest = Guest("-S", command=["true"], gdb=path)
    remote = Remote(path)
    remote.send("k")
    expect("killed by gdb", guest.end() == (0, "") and not os.path.exists(path))


def check_options(directory):
    plain = os.path.join(directory, "plain")
    open(plain, "w").close()
    taken = socket.create_server(("127.0.0.1", 0))
    for words, mention in [
            (["--gdb", "65536"], "a port from 0 to 65535"),
            (["--gdb", "here"], "a port from 0 to 65535"),
            (["--gdb", plain], "there is a file already"),
            (["--gdb", os.path.join(directory, "no", "socket")], "cannot listen"),
            (["--gdb", directory + "/" + "x" * 200], "too long a path"),
            (["--gdb", str(taken.getsockname()[1])], "cannot listen"),
            (["--gdb", "0", "--history", "much"], "--history much: not a size"),
    ]:
        done = subprocess.run([ORRERY, "run", *words, "--", "true"], capture_output=True)
        error = done.stderr.decode()
        expect(" ".join(words), done.returncode == 2 and done.stdout == b"" and error.count("\n") == 1
               and mention in error, (done.returncode, error))


with tempfile.TemporaryDirectory() as place:
    check_attaching()
    check_console()
    check_socket_file(place)
    check_options(place)
print("failed" if FAILURES else "the gdb stub keeps to its protocol")
sys.exit(1 if FAILURES else 0)
