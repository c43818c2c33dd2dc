# shellcheck shell=bash disable=SC2034
# Sourced by the scripts next to it: the service and a key, from the environment or from the stack on this machine.
set -euo pipefail

data=${PRESSLINE_DATA:-.pressline}
pressline=${PRESSLINE:-.venv/bin/pressline}
api=${PRESSLINE_API_URL:-$("$pressline" up --detach --data "$data" | tail -n 1 | sed 's/.*"api": *"\([^"]*\)".*/\1/')}
key=${PRESSLINE_API_KEY:-$("$pressline" keys create --account local --plan pro --data "$data")}

# field NAME: the first value of a string field in the JSON on stdin.
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; }
