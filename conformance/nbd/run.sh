#!/usr/bin/env bash
# Foreign NBD clients: libnbd's tools and its Python module, qemu-img, Xen Orchestra's. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# What is missing is said by main.py, and skips its own checks only.
if command -v npm >/dev/null && command -v node >/dev/null; then
    source ../common/npm.sh
fi
# Debian's Python is the one that python3-libnbd belongs to.
exec /usr/bin/python3 main.py
