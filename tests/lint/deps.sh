#!/usr/bin/env bash
# Install the Debian packages named on the command line that are missing: as root or by sudo; elsewhere
# name what to install and fail.
set -eu
missing=()
for p in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$p" 2>/dev/null || true)" = "install ok installed" ] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "installing: ${missing[*]}"
if [ "$(id -u)" = 0 ]; then
    as=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as=(sudo)
else
    echo "not root and no sudo: ask for  apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
log=$(mktemp)
# services that come with a package (munge, slurmctld) are for tests that start them themselves: none is started now
policy=/usr/sbin/policy-rc.d
if [ -e $policy ]; then
    policy=
else
    printf '#!/bin/sh\nexit 101\n' | "${as[@]}" tee $policy >/dev/null
    "${as[@]}" chmod +x $policy
fi
trap 'rm -f "$log"; [ -z "$policy" ] || "${as[@]}" rm -f $policy' EXIT
run() { "${as[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 || { tail -20 "$log" >&2; return 1; }; }
run apt-get update -qq || echo "warning: the package lists could not be refreshed" >&2
run apt-get install -y -qq --no-install-recommends "${missing[@]}"
