#!/bin/sh
# The sandbox's mirror: files over HTTP on port 8080, a read-only OCI registry on port 5000.
set -eu
cat > /tmp/registry.yml <<EOF
version: 0.1
log: {accesslog: {disabled: true}, level: warn}
storage: {filesystem: {rootdirectory: /srv/mirror/registry}, maintenance: {readonly: {enabled: true}}}
http: {addr: ":5000"}
EOF
trap 'exit 0' TERM INT
python3 -m http.server --directory /srv/mirror/files 8080 &
docker-registry serve /tmp/registry.yml &
wait
