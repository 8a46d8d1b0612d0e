#!/usr/bin/env bash
# Ansible's XenServer modules as Debian packages them, unmodified. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py "$@"
