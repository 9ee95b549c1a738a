#!/usr/bin/env bash
# Install those of the named Debian or Ubuntu packages that are missing; say in one line what was done.
set -euo pipefail

if ! command -v apt-get >/dev/null; then
    echo "System packages: apt-get is not here; if Qt does not start, install what it names."
    exit 0
fi

# apt itself knows that libglib2.0-0t64 provides libglib2.0-0; it needs no rights to say what it would do.
apt_install=(apt-get install --yes --no-upgrade --no-install-recommends)
if plan=$("${apt_install[@]}" --simulate "$@" 2>/dev/null) && ! grep -q '^Inst ' <<<"$plan"; then
    echo "System packages: all present."
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "System packages are missing and there is no sudo. As root: apt-get install $*" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "System packages: installing what is missing of $*"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${apt_install[@]}" -qq "$@" >/dev/null
