"""Runs README.md: bash blocks in one shell, python blocks in one namespace, in their order.

Only addresses are replaced: the server gets free ports and a state directory of its own. A block after the mark
"test: server" is the server's start; one after "test: is running this" is scripts/test itself.
"""

import contextlib
import io
import os
import re
import subprocess
import traceback

import harness

BLOCK = re.compile(r"(?:<!-- test: ([^>]*?) -->\n)?^```(bash|python)\n(.*?)^```$", re.M | re.S)


class Shell:
    """One bash for all blocks, so that variables and functions stay."""

    def __init__(self, folder):
        self.process = subprocess.Popen(["bash"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace")
        self.process.stdin.write("set -euo pipefail\n")

    def run(self, text):
        """Whether the block ended well, and what it printed."""
        try:
            self.process.stdin.write(text + "\necho; echo 'end of block'\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False, "the shell ended with an earlier block"
        printed = ""
        for line in self.process.stdout:
            if line == "end of block\n":
                return True, printed
            printed += line
        return False, printed


def main():
    checks = harness.Checks()
    with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
        blocks = BLOCK.findall(file.read())
    with harness.WorkDirectory() as work, contextlib.ExitStack() as stack:
        os.symlink(os.path.join(harness.ROOT, "scripts"), work("scripts"))
        os.chdir(work.path)
        shell, names, server = Shell(work.path), {}, None
        for number, (mark, language, text) in enumerate(blocks, 1):
            name = "block %d (%s: %s)" % (number, language, text.strip().splitlines()[0][:50])
            if mark == "server":
                checks.equal(name + " is scripts/start", text, "scripts/start\n")
                server = stack.enter_context(harness.Server(work("state")))
                continue
            if mark:
                checks.ok(name + " names an executable", os.access(text.strip(), os.X_OK))
                continue
            text = text.replace("http://127.0.0.1:8080", server.http).replace("https://127.0.0.1:8443", server.https)
            text = text.replace("port=8080", "port=" + server.http.rpartition(":")[2])
            if language == "bash":
                good, printed = shell.run(text)
            else:
                good, printed = run_python(text, names)
            checks.ok(name, good, printed)
        checks.ok("README.md has commands", len(blocks) >= 6, len(blocks))
    checks.finish()


def run_python(text, names):
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "README.md", "exec"), names)
    except Exception:  # noqa: BLE001 - the finding
        return False, printed.getvalue() + traceback.format_exc()
    return True, printed.getvalue()


main()
