#!/usr/bin/env bash
# Xen Orchestra's client library, unmodified, in the version of package-lock.json. One line per check.
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    [[ -n ${CI:-} ]] && { echo "not ok node and npm are installed"; exit 1; }
    echo "skip everything - node and npm are needed"
    exit 0
fi
# Install once per lock file; npm ci always starts from nothing.
if ! cmp -s package-lock.json node_modules/.installed-from; then
    npm ci --no-progress >&2 || { echo "not ok npm ci"; exit 1; }
    cp package-lock.json node_modules/.installed-from
fi
exec node test.mjs
