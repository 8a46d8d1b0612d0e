"""Starts the server as a user does, counts checks, keeps temporary files. Standard library only."""

import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOAK = bool(os.environ.get("XAPICOMPAT_SOAK"))
SEED = int(os.environ.get("XAPICOMPAT_SEED") or random.SystemRandom().randrange(1 << 31))
PASSWORD = "xapicompat"


def note(text):
    """A remark in the output; lines that begin with # are shown by scripts/test, not counted."""
    print("# " + text, flush=True)


class Checks:
    """One line per check: ok NAME, not ok NAME, skip NAME."""

    def __init__(self, prefix=""):
        self.prefix = prefix
        self.failed = 0

    def ok(self, name, condition=True, detail=""):
        name = (self.prefix + name).replace("\n", " ")
        if condition:
            print("ok " + name, flush=True)
        else:
            self.failed += 1
            print("not ok " + name, flush=True)
            if detail != "":
                print("    " + str(detail)[:2000].replace("\n", "\n    "), flush=True)
        return bool(condition)

    def equal(self, name, actual, expected):
        return self.ok(name, actual == expected, "expected %r\ngot      %r" % (expected, actual))

    def run(self, name, function, *arguments):
        """Runs a function that makes checks of its own; an exception in it is one failed check."""
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - everything that goes wrong is a finding
            self.ok(name, False, traceback.format_exc())

    def skip(self, name, reason):
        if os.environ.get("CI"):
            self.ok(name, False, reason + " (and CI is set)")
        else:
            print("skip %s%s - %s" % (self.prefix, name, reason), flush=True)

    def finish(self):
        sys.exit(1 if self.failed else 0)


class Server:
    """A server of its own, started with scripts/start on free ports of the loopback interface."""

    def __init__(self, state, *options, http="127.0.0.1:0", https="127.0.0.1:0", env=None, timeout=420):
        self.state = state
        self.log_path = state.rstrip("/") + ".log"
        self.options = ["--http", http, "--https", https, "--state", state, *options]
        self.env = dict(os.environ, **(env or {}))
        self.timeout = timeout
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([os.path.join(ROOT, "scripts", "start"), *self.options],
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, env=self.env)
        line = self._line()
        if not line:
            code = self.process.wait(30)
            raise RuntimeError("the server ended with code %s: %s" % (code, self.log()[-2000:]))
        self.ready = json.loads(line)
        self.http = self.ready["http"]
        self.https = self.ready["https"]
        return self

    def _line(self):
        """The first line of standard output, or nothing when the server ended before."""
        data, end = b"", time.monotonic() + self.timeout
        while not data.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                self.process.kill()
                raise TimeoutError("the server was not ready within %s s" % self.timeout)
            byte = os.read(self.process.stdout.fileno(), 1)
            if not byte:
                break
            data += byte
        return data.decode()

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def stop(self):
        """SIGTERM; returns exit code and seconds."""
        if self.process is None or self.process.poll() is not None:
            return None
        begin = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self.process.stdout.close()
        return code, time.monotonic() - begin

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class WorkDirectory:
    """A directory for files of many megabytes; removed at the end unless XAPICOMPAT_KEEP is set."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="xapicompat-")
        return self

    def __call__(self, name):
        return os.path.join(self.path, name)

    def __exit__(self, *_):
        if os.environ.get("XAPICOMPAT_KEEP"):
            note("kept " + self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def tool(*names):
    """Path of the first of these programs that is installed, or None."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    return None


def run(*command, timeout=300, stdin=None):
    """Runs a program; returns exit code, standard output and standard error as text."""
    done = subprocess.run(command, stdin=stdin or subprocess.DEVNULL, capture_output=True, timeout=timeout)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
