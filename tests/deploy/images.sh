#!/usr/bin/env bash
# `npm run test:image`: builds both images with buildah on a local Debian base and starts each program inside, until its health
# is green. Needs root, Debian, and room for a few GB; takes minutes. The last line is `N passed, N failed`.
#
# What is shown: the Dockerfile builds, the images hold all that their programs load, and run as an unprivileged user. What is
# not: limits of memory and processors, seccomp, a network of their own.
set -euo pipefail
cd "$(dirname "$0")/../.."

for pair in buildah:buildah debootstrap:debootstrap; do
  command -v "${pair%%:*}" >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${pair##*:}" >/dev/null; }
done

work=${AUTOMED_IMAGE_WORK:-$(mktemp -d)}
mkdir -p "$work"
containers=()
# shellcheck disable=SC2329
cleanup() {
  for each in "${containers[@]}"; do buildah_ rm "$each" >/dev/null 2>&1 || true; done
  [ -n "${AUTOMED_IMAGE_WORK:-}" ] || rm -rf "$work"
}
trap cleanup EXIT
# vfs copies every file of every layer, and deletes them one by one: minutes each.
driver=vfs
buildah --root "$work/probe" --runroot "$work/probe-run" --storage-driver overlay info >/dev/null 2>&1 && driver=overlay
buildah_() { buildah --root "$work/store" --runroot "$work/run" --storage-driver "$driver" "$@"; }

base=localhost/automed-base:12
if ! buildah_ images "$base" >/dev/null 2>&1; then
  echo "== base: Debian 12 with this machine's Node"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/rootfs" >/dev/null
  mkdir -p "$work/rootfs/usr/lib/node_modules" "$work/rootfs/usr/include"
  cp "$(readlink -f "$(command -v node)")" "$work/rootfs/usr/bin/node"
  cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$work/rootfs/usr/lib/node_modules/npm"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$work/rootfs/usr/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$work/rootfs/usr/bin/npx"
  [ -d /usr/include/node ] && cp -r /usr/include/node "$work/rootfs/usr/include/node"
  printf 'FROM scratch\nCOPY rootfs/ /\n' >"$work/Dockerfile.base"
  buildah_ bud --isolation chroot --tag "$base" --file "$work/Dockerfile.base" "$work" >/dev/null
  rm -rf "$work/rootfs"
fi

# Packages come from where this machine's npm, pip and apt take them.
mounts=()
for path in /etc/pip.conf /etc/xdg/pip ~/.config/pip ~/.pip ~/.npmrc /etc/npmrc /etc/apt/sources.list.d /etc/apt/apt.conf.d ${PIP_FIND_LINKS:-} \
  $(pip config list 2>/dev/null | grep -oE '/[A-Za-z0-9_./-]+' | sed -E 's#^/+#/#; s#/simple$##' | grep -v '^/etc/ssl' | sort -u); do
  [ -e "$path" ] && mounts+=(--volume "$path:$path:ro")
done
# The authorities that this machine trusts, beside those that the image installs.
authorities=/etc/ssl/certs/ca-certificates.crt
mounts+=(--volume "$authorities:/run/authorities.crt:ro")
settings=(--env PIP_CERT=/run/authorities.crt --env npm_config_cafile=/run/authorities.crt --env NODE_EXTRA_CA_CERTS=/run/authorities.crt)
for name in PIP_FIND_LINKS PIP_CONSTRAINT PIP_EXTRA_INDEX_URL npm_config_registry; do
  [ -n "${!name:-}" ] && settings+=(--env "$name=${!name}")
done

# Both images are of one state of the files, whatever is edited meanwhile.
rm -rf "$work/context"
mkdir "$work/context"
tar --anchored --exclude-from=<(sed 's#^#./#' .dockerignore) --create . | tar --extract --directory "$work/context"

passed=0
failed=0
for target in gateway native; do
  echo "== build: $target"
  start=$SECONDS
  if buildah_ bud --isolation chroot --layers --format docker --build-arg "BASE=$base" "${mounts[@]}" "${settings[@]}" \
    --target "$target" --tag "localhost/automed/$target:test" --file "$work/context/deploy/docker/Dockerfile" "$work/context" >"$work/$target.log" 2>&1; then
    passed=$((passed + 1))
    echo "$target: $((SECONDS - start)) s"
  else
    failed=$((failed + 1))
    tail -30 "$work/$target.log"
  fi
done
buildah_ images --format '{{.Name}}:{{.Tag}} {{.Size}}' | grep -E "^($base|localhost/automed/)" || true

# Starts a program of an image on a free port and asks its health from outside, as the kubelet does.
run() {
  local program=$1 image=$2 health=${3-} container port
  container=$(buildah_ from "localhost/automed/$image:test")
  containers+=("$container")
  port=$(node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
  buildah_ run --isolation chroot --user 10001:10001 --env AUTOMED_ADDRESS=127.0.0.1:0 --env AUTOMED_METRICS_ADDRESS=off \
    --env AUTOMED_HEALTH_ADDRESS="127.0.0.1:$port" --env AUTOMED_TRAINING_BACKENDS=, --env AUTOMED_DECODE_PROCESSES=2 \
    --env AUTOMED_PACS_SITE=/etc/automed/pacs.yaml --env AUTOMED_PACS_HOME=/var/lib/automed/pacs --env AUTOMED_PACS_PORT=0 \
    --volume "$work/pacs.yaml:/etc/automed/pacs.yaml:ro" "$container" \
    -- /opt/automed/entrypoint.sh "$program" >"$work/$program.log" 2>&1 &
  local process=$!
  if node tests/deploy/probe.mjs "127.0.0.1:$port" "$health"; then
    echo "$program: answers as uid 10001"
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    tail -5 "$work/$program.log"
  fi
  pkill --parent "$process" 2>/dev/null || true
  kill "$process" 2>/dev/null || true
  wait "$process" 2>/dev/null || true
}
printf 'ae_title: AUTOMED\n' >"$work/pacs.yaml"
run gateway gateway liveness # its backends are elsewhere
run pacs gateway
run inference native
run training native

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
