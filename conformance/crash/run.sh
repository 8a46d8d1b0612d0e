#!/usr/bin/env bash
# kill -9 at random moments under load, and at every named fault point of every operation: what was acknowledged must be there
# afterwards, and nothing half done. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
export PYTHONPATH=../common PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
code=0
python3 points.py || code=1
python3 main.py || code=1
python3 recovery.py || code=1
exit $code
