#!/usr/bin/env bash
# Say what to do where no window can be opened; Qt would only abort.
set -euo pipefail
case "$(uname -s)" in Linux | *BSD) ;; *) exit 0 ;; esac
[ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || exit 0
cat >&2 <<'END'
There is no display here, so no window can be opened. Instead:
  - on a desktop, run this in a terminal of the desktop itself;
  - over SSH, connect with "ssh -X" and try again;
  - without any, "make demo" maps the sample scan to files, and "bravais --help" lists the rest.
END
exit 1
