#!/usr/bin/env bash
# Random disk programs over HTTP against a plain byte array. One line per batch of programs.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py
