#!/usr/bin/env bash
# PDFs in the dialect of Deckle: two items of a template and one of HTML, its generations.
# shellcheck source=examples/curl/connect.sh
. "$(dirname "$0")/connect.sh"

template=$(curl -sSf "$api/v1/templates" \
  -H "Authorization: Bearer $key" \
  -H "Content-Type: application/json" \
  -d '{ "name": "Statement", "html": "<h1>{{company}}</h1><p>Total: {{currency total \"USD\"}}</p>" }' \
  | grep -o '"id": *"[^"]*"' | head -n 1 | cut -d'"' -f4)
echo "template $template"

answer=$(curl -sSf -X POST "$api/v1/generate/batch" \
  -H "Authorization: Bearer $key" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: batch-invoice-run-2026-03-$template" \
  -d '{
    "items": [
      {
        "template": "'"$template"'",
        "data": { "company": "Acme Corp", "total": 1500 }
      },
      {
        "template": "'"$template"'",
        "data": { "company": "Globex Inc", "total": 2300 }
      },
      {
        "html": "<h1>Custom Report</h1><p>Summary data here.</p>",
        "options": { "format": "Letter", "orientation": "landscape" }
      }
    ],
    "webhook": "https://example.com/webhooks/batch-complete"
  }')
echo "$answer"

grep -o '"id": *"gen_[^"]*"' <<<"$answer" | cut -d'"' -f4 | while read -r id; do
  for _ in $(seq 60); do
    generation=$(curl -sSf "$api/v1/generations/$id" -H "Authorization: Bearer $key")
    case $generation in *'"status":"queued"'* | *'"status":"processing"'*) sleep 1 ;; *) break ;; esac
  done
  echo "$generation"
done
