#!/bin/sh
# Runs one program of the image: gateway, inference, training, pacs, or the command line (`cli models list`).
program=$1
[ $# -gt 0 ] && shift
# Native code can crash: a small process beside it starts it again and answers the probes.
[ "$program" = inference ] && exec node /opt/automed/dist/services/supervisor/main.js inference "$@"
exec node "/opt/automed/dist/services/$program/main.js" "$@"
