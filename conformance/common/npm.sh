# Installs the packages of the current folder's lock file, once per lock file. To be sourced by a run.sh.
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    [[ -n ${CI:-} ]] && { echo "not ok node and npm are installed"; exit 1; }
    echo "skip everything - node and npm are needed"
    exit 0
fi
# npm ci always starts from nothing.
if ! cmp -s package-lock.json node_modules/.installed-from; then
    npm ci --no-progress >&2 || { echo "not ok npm ci"; exit 1; }
    cp package-lock.json node_modules/.installed-from
fi
