# SPDX-License-Identifier: MIT
"""Processes under supervision.

Each one dies with the test run (setpriv --pdeathsig), its output is read by threads as it
comes, and `Supervisor.verdict()` finds those that died without being asked to or that wrote
a sanitizer's report.
"""

import os
import re
import signal
import subprocess
import threading
import time

from .wait import PATIENCE

REPORT = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:"
    r"|Assertion .* failed|stack smashing|double free|corrupted"
)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Output:
    """The lines of one stream so far."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self.changed:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def text(self):
        return "\n".join(self.lines)

    def find(self, pattern):
        for line in self.lines:
            found = re.search(pattern, line)
            if found:
                return found
        return None

    def wait_for(self, pattern, within=PATIENCE):
        """Returns the match in the first line that has one."""
        end = time.monotonic() + within
        with self.changed:
            while True:
                found = self.find(pattern)
                if found:
                    return found
                left = end - time.monotonic()
                assert not self.ended, f"the process ended before {pattern!r}:\n{self.text()}"
                assert left > 0, f"no {pattern!r} within {within} s:\n{self.text()}"
                self.changed.wait(left)


class Process:
    """A running program. Leaving it alive at the end of a test is fine; dying is not."""

    def __init__(self, argv, env=None, stdin=None, chatty=False, pass_fds=()):
        self.name = os.path.basename(argv[0])
        self.chatty = chatty  # its log is not ours to judge
        self.expected_to_end = False
        self.popen = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            env=env,
            stdin=stdin or subprocess.DEVNULL,
            pass_fds=pass_fds,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid = self.popen.pid
        self.out = Output(self.popen.stdout)
        self.log = Output(self.popen.stderr)

    @property
    def alive(self):
        return self.popen.poll() is None

    def send_signal(self, signo):
        os.kill(self.pid, signo)

    def wait(self, within=PATIENCE):
        """Waits for the end, which becomes an expected one, and returns the exit status."""
        self.expected_to_end = True
        try:
            status = self.popen.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {within} s:\n{self.log.text()}"
            ) from None
        self.out.thread.join(within)
        self.log.thread.join(within)
        return status

    def stop(self, signo=signal.SIGTERM, within=PATIENCE):
        """Asks it to end and returns the exit status."""
        self.expected_to_end = True
        if self.alive:
            self.send_signal(signo)
        return self.wait(within)

    def kill(self):
        self.expected_to_end = True
        if self.alive:
            self.popen.kill()
        self.popen.wait()

    def complaint(self):
        """Returns what is wrong with it, or None."""
        if not self.chatty and REPORT.search(self.log.text()):
            return f"{self.name} wrote a report:\n{self.log.text()}"
        if not self.alive and not self.expected_to_end:
            return f"{self.name} died, status {self.popen.returncode}:\n{self.log.text()}"
        return None

    # What /proc knows about it.

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident_bytes(self):
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def private_bytes(self):
        """Memory that nobody shares: what the process has written to."""
        with open(f"/proc/{self.pid}/smaps_rollup", encoding="ascii") as file:
            for line in file:
                if line.startswith("Private_Dirty:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no Private_Dirty")

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


class Supervisor:
    """Every process of a test run."""

    def __init__(self):
        self.processes = []

    def start(self, argv, **how):
        process = Process([str(arg) for arg in argv], **how)
        self.processes.append(process)
        return process

    def release(self, process):
        """Ends the process if it still runs and forgets it. Returns a complaint or None."""
        self.processes.remove(process)
        if process.alive and not process.chatty:
            try:
                status = process.stop()
            except AssertionError as late:
                process.kill()
                return str(late)
            if status != 0:
                return f"{process.name} ended with {status}:\n{process.log.text()}"
        process.kill()
        return process.complaint()

    def verdict(self):
        """Returns the complaints about all processes. A dead one is complained about once."""
        complaints = []
        for process in list(self.processes):
            complaint = process.complaint()
            if complaint:
                complaints.append(complaint)
                self.processes.remove(process)
                process.kill()
        return complaints
