#!/usr/bin/env bash
# Installs the system packages that Pressline needs and that are missing. Quick when there is nothing to do.
# Usage: system.sh PYTHON
set -euo pipefail

python=$1
packages=(
    chromium-headless-shell libatomic1 poppler-utils
    fonts-liberation fonts-noto-core fonts-noto-color-emoji fonts-noto-cjk fonts-noto-mono
)

if ! command -v apt-get >/dev/null; then
    echo "This is not Debian: please see to a Chromium headless shell, Noto and Liberation fonts, and poppler-utils." >&2
    exit 0
fi

# Debian's Python comes without the module that makes virtual environments.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    packages+=("$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
fi

missing=()
for package in "${packages[@]}"; do
    if [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
        missing+=("$package")
    fi
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "Please install these packages as root, for there is no sudo here: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "Installing system packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
