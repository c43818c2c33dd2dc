#!/usr/bin/env bash
# Images in the dialect of Pictify: a template, a batch of social cards, its results.
# shellcheck source=examples/curl/connect.sh
. "$(dirname "$0")/connect.sh"

template=$(curl -sSf "$api/templates" \
  -H "Authorization: Bearer $key" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Card",
    "width": 1200,
    "height": 630,
    "html": "<body style=\"margin:0;display:grid;place-items:center;height:100vh;font:700 72px sans-serif;color:#fff;background:linear-gradient(135deg,#1d3a57,#a97c2f)\">{{name}}</body>"
  }' | grep -o '"uid": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
echo "template $template"

batch=$(curl -sSf "$api/templates/$template/batch-render" \
  -H "Authorization: Bearer $key" \
  -H "Content-Type: application/json" \
  -d '{
    "variableSets": [
      { "name": "Ada Lovelace" },
      { "name": "Grace Hopper" },
      { "name": "佐藤 健一" }
    ],
    "format": "png",
    "quality": 0.9,
    "concurrency": 5
  }' | field batchId)
echo "batch $batch"

for _ in $(seq 60); do
  results=$(curl -sSf "$api/templates/batch/$batch/results" -H "Authorization: Bearer $key")
  case $results in *'"status":"pending"'* | *'"status":"processing"'*) sleep 1 ;; *) break ;; esac
done
echo "$results"
