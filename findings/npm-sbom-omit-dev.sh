#!/usr/bin/env bash
# `npm sbom --omit dev` (npm 11.19.1) leaves a production dependency out of its list when a development dependency needs it, too.
# Valid input: a project that depends on ms, and for development on debug, which depends on ms. `npm ls --omit dev` shows ms, and
# the list without `--omit dev` has it. Seen: the CycloneDX list with `--omit dev` has neither debug nor ms. Fails when that changes.
# Automed lists everything and takes out what the lock file calls development (deploy/supply/sbom.mjs).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
command npm install --silent --no-audit --no-fund --prefix tool npm@11.19.1
npm() { node "$folder/tool/node_modules/npm/bin/npm-cli.js" "$@"; }
mkdir project
cd project
echo '{"name":"p","version":"1.0.0","dependencies":{"ms":"2.1.3"},"devDependencies":{"debug":"4.4.3"}}' >package.json
npm install --package-lock-only --silent --no-audit --no-fund
purls() { npm sbom --sbom-format cyclonedx --package-lock-only "$@" | grep -o 'pkg:npm/[^"]*' | sort -u | tr '\n' ' '; }
needed=$(npm ls --omit dev --package-lock-only --parseable | tail -n +2 | sed 's/.*node_modules.//')
all=$(purls)
production=$(purls --omit dev)
echo "needed in production: $needed"
echo "listed: $all"
echo "listed with --omit dev: $production"
[ "$needed" = ms ] && [[ $all == *pkg:npm/ms@* ]] && [[ $production != *pkg:npm/ms@* ]]
