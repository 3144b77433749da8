#!/usr/bin/env python3
"""Debian's kernel draws its console on the display adapter; keys and the mouse reach its drivers. It reads what stands
there from the guest (/dev/vcs1), and looks at the picture. Only with ORRERY_TEST_LONG=1: the console's drawing takes
some thousand million instructions.

The mouse's driver goes on probing after modprobe has ended, and what the mouse sends meanwhile is lost: the script waits
for the driver's line in the log.

usage: linux_display.py ORRERY     exit status: 0 as expected, 1 not, 77 not asked for, or the images are not there
"""
import os
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linux_guest import Orrery  # noqa: E402

SCRIPT = r"""run 4000000000
boot
type stty -echo; setsid -c sh -l <>/dev/tty1 >&0 2>&1 &\n
boot
keys echo "Two: $((1+1))"; cat /proc/fb\n
boot
type fold -w 100 /dev/vcs1 | grep -A 1 '^Two:'\n
wait Two: 2
wait 0 VESA VGA
keys read -n 3 -s k; echo $k > /dev/ttyS0\n
keys Q!~
wait Q!~
type modprobe psmouse; modprobe evdev\n
wait Generic Wheel Mouse
boot
type dd if=/dev/input/mice bs=3 count=2 2>/dev/null | hexdump -v -e '3/1 "%02x " "\\n"'\n
boot
mouse 5 -3
boot
mouse 0 0 1
wait 08 05 03
wait 09 00 00
expect framebuffer 800 x 600 pixels of 32 bits
"""


def read_png(path):
    """Width, height and the rows' bytes (RGB) of a PNG without interlacing."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    return header[0], header[1], zlib.decompress(packed)


def main():
    orrery = Orrery(sys.argv[1])
    if not os.environ.get("ORRERY_TEST_LONG") or not os.path.exists(orrery.kernel):
        sys.exit(77)
    failures = []
    with tempfile.TemporaryDirectory() as directory:
        script = os.path.join(directory, "display.script")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        size = ["--display-size", "800x600"]
        status, out, err = orrery.run("ui", "--headless", "--linux", *size, "--script", script)
        if status != 0:
            failures.append(f"the script ended with {status}: {out[-2000:]} {err[-4000:]}")
        picture = os.path.join(directory, "display.png")
        with open(picture, "wb") as file:
            status = subprocess.run([orrery.program, "show", "framebuffer", "--format", "png", "--linux", *size],
                                    stdout=file, stdin=subprocess.DEVNULL, check=False).returncode
        width, height, pixels = read_png(picture)
        if (status, width, height) != (0, 800, 600) or len(set(pixels)) < 3:
            failures.append(f"the picture: status {status}, {width} x {height}, {len(set(pixels))} values")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
