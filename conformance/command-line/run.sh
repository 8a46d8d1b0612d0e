#!/usr/bin/env bash
# scripts/start as a program: options, output, exit codes, locks, signals. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py
