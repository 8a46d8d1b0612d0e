#!/usr/bin/env bash
# kill -9 at random moments under load: what was acknowledged must be there afterwards. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
exec python3 main.py
