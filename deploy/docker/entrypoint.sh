#!/bin/sh
# Runs one program of the image: gateway, inference, training, or the command line (`cli models list`).
program=$1
[ $# -gt 0 ] && shift
exec node "/opt/automed/dist/services/$program/main.js" "$@"
