#!/usr/bin/env bash
# Install the Debian packages named that are missing, where that is allowed; else name them and fail.
set -euo pipefail

if ! command -v dpkg-query >/dev/null; then
    echo "No Debian here; you need what these Debian packages hold: $*"
    exit
fi
# names and what they provide: newer Debians renamed some, as libglib2.0-0 to libglib2.0-0t64
installed=$(dpkg-query --show --showformat '${db:Status-Status} ${Package}, ${Provides}\n' |
    sed -n 's/^installed //p' | tr -s ', ' '\n')
missing=()
for package in "$@"; do
    grep -qxF "$package" <<<"$installed" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=(env)
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "These system packages are missing: ${missing[*]}" >&2
    echo "Install them and try again: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing system packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
