#!/usr/bin/env bash
# Fetches what the tests need and the machine misses: packages of Debian and the
# npm clients. What cannot be had is written to bin/test.env, so that the tests
# that need it are skipped and say so:
#   HUBLINE_TEST_SKIP   names of what is missing, separated by commas:
#                       chromium, nginx, curl, node
#   HUBLINE_TEST_RACE   the race detector's flag; empty without a C compiler
#   HUBLINE_TEST_CHROMIUM  the browser's program; set before, it is taken as it is
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'setup: %s\n' "$*" >&2; }
browser() {
  local name
  for name in ${HUBLINE_TEST_CHROMIUM:+"$HUBLINE_TEST_CHROMIUM"} chromium chromium-browser google-chrome; do
    type -P "$name" && return
  done
  return 1
}
have() {
  case $1 in
  chromium) browser >/dev/null ;;
  *) command -v "$1" >/dev/null 2>&1 || [[ -x /usr/sbin/$1 ]] ;;
  esac
}

# name of the thing, one of its commands, its Debian package
wanted=(
  'chromium chromium chromium'
  'nginx nginx nginx-light'
  'curl curl curl'
  'cc cc gcc'
)

packages=()
for entry in "${wanted[@]}"; do
  read -r _ command package <<<"$entry"
  have "$command" || packages+=("$package")
  if [[ $package == gcc ]] && ! have cc; then packages+=(libc6-dev); fi
done

install_packages() {
  local root=()
  if [[ $EUID -ne 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      say "not root and no sudo without a password: please run: apt-get install ${packages[*]}"
      return
    fi
    root=(sudo -n)
  fi
  if ! have apt-get; then
    say "no apt-get here; please install by other means: ${packages[*]}"
    return
  fi
  say "installing ${packages[*]}"
  # Services that come with a package are not wanted, only their programs.
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -qq -o Dpkg::Use-Pty=0)
  if ! "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null 2>&1; then
    "${apt[@]}" update >/dev/null || true
    # One by one, so that one that cannot be had does not keep out the others.
    local package
    for package in "${packages[@]}"; do
      "${apt[@]}" install -y --no-install-recommends "$package" >/dev/null || say "$package could not be installed"
    done
  fi
}

if ((${#packages[@]} > 0)); then
  install_packages
fi

skip=()
race=-race
for entry in "${wanted[@]}"; do
  read -r name command _ <<<"$entry"
  have "$command" && continue
  if [[ $name == cc ]]; then
    say "no C compiler: the race detector stays off"
    race=
  else
    skip+=("$name")
  fi
done

# The npm clients, if they are not here or older than their lock file.
npm=test/npm
if ! have node || ! have npm; then
  skip+=(node)
elif [[ -f $npm/package.json ]]; then
  installed=$npm/node_modules/.package-lock.json
  if [[ ! -f $installed || $npm/package-lock.json -nt $installed ]]; then
    say "npm ci in $npm"
    # The browser is Debian's; none is to be downloaded.
    PUPPETEER_SKIP_DOWNLOAD=1 PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 \
      npm ci --prefix "$npm" --no-audit --no-fund --loglevel=error >&2
    touch "$installed"
  fi
fi

missing=$(IFS=,; printf '%s' "${skip[*]-}")
if [[ -n $missing ]]; then
  say "tests that need these will be skipped: $missing"
fi
mkdir -p bin
printf 'export HUBLINE_TEST_SKIP=%q\nexport HUBLINE_TEST_RACE=%q\nexport HUBLINE_TEST_CHROMIUM=%q\n' \
  "$missing" "$race" "$(browser || true)" >bin/test.env
