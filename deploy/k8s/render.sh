#!/usr/bin/env bash
# Renders an overlay as kustomize does: render.sh overlays/prod [-o FOLDER]
# Uses kubectl or kustomize where there is one; otherwise fetches Debian's kustomize once, into .venv.
set -euo pipefail

# Debian 12 itself packages none; this release's needs nothing that Debian 12 lacks.
RELEASE=forky
venv="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.venv"
export PATH="$venv/bin:$PATH"

fetch_kustomize() {
    local work site apt
    work=$(mktemp -d)
    trap 'rm -rf "$work"' RETURN
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
    # The mirror that this machine uses already, and apt's own check of signatures.
    # shellcheck disable=SC2016
    site=$(apt-get indextargets --format '$(SITE) $(CREATED_BY)' | awk '$2 == "Packages" {print $1; exit}')
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $RELEASE main" >"$work/sources"
    apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$work/lists" -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
    (cd "$work" && "${apt[@]}" update && "${apt[@]}" download kustomize && dpkg -x kustomize_*.deb tree) >&2
    install -D "$work/tree/usr/bin/kustomize" "$venv/bin/kustomize"
}

if command -v kubectl >/dev/null; then
    exec kubectl kustomize "$@"
fi
command -v kustomize >/dev/null || fetch_kustomize
exec kustomize build "$@"
