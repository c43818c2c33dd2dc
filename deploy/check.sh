#!/usr/bin/env bash
# Checks deploy/ without a cluster or a container engine: all overlays render and fit the newest Kubernetes schema,
# the ScaledObject fits KEDA's, compose.yaml the Compose specification, and the Dockerfile and scripts have no findings.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
export PATH="$PWD/../.venv/bin:$PATH"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for overlay in dev prod prod-tls; do
    mkdir "$work/$overlay"
    k8s/render.sh "k8s/overlays/$overlay" -o "$work/$overlay"
    # Kinds of KEDA are unknown to it and only warned about: the next line is theirs.
    kubernetes-validate --strict --quiet --no-warn "$work/$overlay"/*.yaml
    check-jsonschema --schemafile k8s/schemas/keda-scaledobject.json "$work/$overlay"/keda.sh_*.yaml
done

check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
hadolint docker/Dockerfile
if command -v shellcheck >/dev/null; then
    shellcheck check.sh k8s/render.sh
fi
