#!/usr/bin/env bash
# The command line xe against the server. One line per check. XE=/path/to/xe takes another xe than that of this project.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py
