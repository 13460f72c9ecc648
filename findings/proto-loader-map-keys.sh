#!/usr/bin/env bash
# @grpc/proto-loader 0.8.1 (npm) with `longs: String` decodes the keys of a map<int64, ...> to 8 characters that are the raw bits
# of the number, while it decodes 64-bit fields to decimal text. Valid input: one entry with the key 5, and a field of 5.
# Seen: the field is "5", the key is a string of 8 characters. Fails when that changes. Automed has no such map in its protos.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix . @grpc/proto-loader@0.8.1
cat >one.proto <<'PROTO'
syntax = "proto3";
package one;
message Counts {
  map<int64, string> names = 1;
  int64 total = 2;
}
service Counting {
  rpc Get(Counts) returns (Counts);
}
PROTO
cat >run.cjs <<'JS'
const { requestDeserialize } = require('@grpc/proto-loader').loadSync('one.proto', { longs: String })[
  'one.Counting'
].Get;
const read = requestDeserialize(Buffer.from('0a050805120161' + '1005', 'hex'));
const [key] = Object.keys(read.names);
console.log(`total ${JSON.stringify(read.total)}, key of ${key.length} characters: ${JSON.stringify(key)}`);
process.exit(read.total === '5' && key !== '5' && key.length === 8 ? 0 : 1);
JS
node run.cjs
