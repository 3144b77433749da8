"""The cases of the comparison of two kernels: read from cases/*, made a script for the guest, and judged.

A file of cases is text. Lines before the first @case say what the file is about; such with @ are each case's. A case is

    @case NAME                     and "fast", if it belongs to each ./test, not only to the campaign
    @mask REGEX => TEXT            what this matches is TEXT in both outputs (times, sizes); without TEXT it goes
    @rename REGEX                  each different text that this matches is <1>, <2>, … in the order in which they come:
                                   which numbers are equal is compared, their values are not (PIDs, addresses)
    @only REGEX                    lines without a match are left out of both outputs
    @sorted                        the order of the lines does not matter
    @keyed                         lines are "KEY: VALUE"; they are compared by their keys, and a difference is one line,
                                   "KEY: VALUE | ours VALUE"
    @differs REGEX : REASON        a line of the diff (it begins with - for Linux, + for ours) that is right to be there
    @missing REGEX : REASON        one that is to go when what REASON names is there
    @program NAME…                 programs/NAME.c, built and put into /cases/bin
    @package NAME…                 packages of the Debian disk whose files are put into the image too
    @seconds N                     what it may take of the guest's time, which is virtual; else 60
    commands for bash, to the next @case

The commands run in a directory and a session of their own, without a terminal. A reason that explains no line of the
diff is itself a fault, so that reasons do not outlive what they explain; one of @missing is only told.
"""
import difflib
import os
import re

HERE = os.path.dirname(os.path.abspath(__file__))
GUEST = os.path.join(os.path.dirname(HERE), "guest", "programs")
PROGRAMS = os.path.join(HERE, "programs")
# Of the kernel's own tests, what an initramfs without a system around them shows otherwise than the host.
PROGRAM_REASONS = {
    "huge_pages": "sysfs|^.status : sysfs is mounted on /sys already, and Linux does not mount it twice",
    "xattrs": "try_security_set|^.status : Debian's kernel has the BPF security module, whose answer takes the place of the capability's check (security_inode_setxattr)",
}
DRIVER = """export PATH=/cases/bin:/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C TERM=linux PYTHONDONTWRITEBYTECODE=1
dmesg -n 1
for case in $(cat /cases/list); do
    mkdir -p /tmp/case.d /tmp/out.d; cd /tmp/case.d
    echo "@@@ begin $case"
    setsid timeout -k 5 $(cat /cases/$case.seconds) /bin/bash /cases/$case.sh </dev/null >/tmp/out.d/out 2>&1 &
    session=$!
    wait $session 2>/dev/null
    status=$?
    pkill -KILL -s $session
    cat /tmp/out.d/out
    echo; echo "@@@ end $case $status"
    cd /; rm -rf /tmp/case.d /tmp/out.d
done
echo "@@@ all done"
"""


class Reason:
    """A line of the data that explains lines of a diff."""

    def __init__(self, text, is_missing):
        regex, separator, self.text = text.partition(" : ")
        if not separator:
            raise ValueError(f"no reason in: {text}")
        self.regex = re.compile(regex)
        self.is_missing = is_missing
        self.lines = 0


class Case:
    """A case's commands and how its outputs are compared."""

    def __init__(self, name, words):
        self.name = name
        self.is_fast = "fast" in words
        self.is_keyed = False
        self.commands, self.steps, self.reasons, self.programs = "", [], [], []
        self.packages, self.seconds = [], 60

    def directive(self, word, rest):
        if word == "mask":
            regex, _, text = rest.partition(" =>")
            self.steps.append(lambda output, r=re.compile(regex, re.M), t=text[1:]: r.sub(t, output))
        elif word == "rename":
            self.steps.append(lambda output, r=re.compile(rest, re.M): renamed(r, output))
        elif word == "only":
            self.steps.append(lambda output, r=re.compile(rest): kept(output, r.search))
        elif word == "sorted":
            self.steps.append(lambda output: "".join(sorted(output.splitlines(True))))
        elif word == "package":
            self.packages += rest.split()
        elif word == "seconds":
            self.seconds = int(rest)
        elif word == "keyed":
            self.is_keyed = True
        elif word in ("differs", "missing"):
            self.reasons.append(Reason(rest, word == "missing"))
        elif word == "program":
            self.programs += rest.split()
        else:
            raise ValueError(f"@{word}: there is no such word")

    def normalised(self, output):
        for step in self.steps:
            output = step(output)
        return output

    def diff(self, linux, ours):
        """The lines that differ, - Linux's and + ours."""
        linux, ours = self.normalised(linux).splitlines(), self.normalised(ours).splitlines()
        if self.is_keyed:
            return diff_by_key(linux, ours)
        lines = difflib.unified_diff(linux, ours, n=0, lineterm="")
        return [line for line in list(lines)[2:] if not line.startswith("@@")]

    def unexplained(self, diff):
        """Those of the diff that no reason is given for; counts what each reason explains."""
        left = []
        for line in diff:
            reason = next((r for r in self.reasons if r.regex.search(line)), None)
            if reason:
                reason.lines += 1
            else:
                left.append(line)
        return left


def diff_by_key(linux, ours):
    """What differs between two lists of "KEY: VALUE"."""
    linux, ours = (dict(line.rpartition(": ")[::2] for line in lines) for lines in (linux, ours))
    keys = list(linux) + [key for key in ours if key not in linux]
    return [f"{key}: {linux.get(key)} | ours {ours.get(key)}" for key in keys if linux.get(key) != ours.get(key)]


def renamed(regex, output):
    names = {}
    return regex.sub(lambda match: names.setdefault(match.group(0), f"<{len(names) + 1}>"), output)


def kept(output, wanted):
    return "".join(line for line in output.splitlines(True) if wanted(line))


def read(path):
    """The cases of a file."""
    case, common = None, []
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "@case":
                name, *words = rest.split()
                case = Case(f"{os.path.basename(path)}.{name}", words)
                for line_of_all in common:
                    case.directive(*line_of_all)
                yield case
            elif re.fullmatch(r"@[a-z]+", word):
                if case:
                    case.directive(word[1:], rest)
                else:
                    common.append((word[1:], rest))
            elif case:
                case.commands += line
        except (ValueError, re.error) as error:
            raise SystemExit(f"{path}:{number}: {error}") from error


def of_programs():
    """The programs that the kernel's own tests are: what they print on Linux is what is right. A case each."""
    for name in sorted(f[:-2] for f in os.listdir(GUEST) if f.endswith(".c")):
        case = Case(f"program.{name}", [])
        case.programs.append(name)
        case.commands = f"setsid -w {name}; echo status $?\n"
        if name in PROGRAM_REASONS:
            case.directive("differs", PROGRAM_REASONS[name])
        yield case


def source(program):
    """Where a program's source is: here, or among the kernel's own tests."""
    here = os.path.join(PROGRAMS, program + ".c")
    return here if os.path.exists(here) else os.path.join(GUEST, program + ".c")


def every_case():
    folder = os.path.join(HERE, "cases")
    return [case for name in sorted(os.listdir(folder)) for case in read(os.path.join(folder, name))] + list(of_programs())
