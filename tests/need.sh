# What this machine has and lacks. Sourced by `run` and `tests/run`; installs on Debian and Ubuntu, says so elsewhere.

say() { printf '%s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root, or fails where that cannot be.
as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    return 1
  fi
}

can_install() { have apt-get && { [[ "$(id -u)" == 0 ]] || have sudo; }; }

# Installs Debian packages without starting the services that some of them bring.
install() {
  say "Installing: $*"
  local policy=/usr/sbin/policy-rc.d made=no result=0
  if [[ ! -e "$policy" ]]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    made=yes
  fi
  local log
  log=$(mktemp)
  {
    as_root apt-get -o DPkg::Lock::Timeout=300 update -qq &&
      as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
  } >"$log" 2>&1 </dev/null || result=1
  if ((result)); then
    cat "$log" >&2
  fi
  rm -f "$log"
  if [[ "$made" == yes ]]; then
    as_root rm -f "$policy"
  fi
  return "$result"
}

# Installs packages where that can be done; ends with the words in $1 where it cannot.
install_or_say() {
  local words=$1
  shift
  if ! can_install || ! install "$@"; then
    say "$words"
    exit 69
  fi
}

need_cargo() {
  if ! have cargo && [[ -x "$HOME/.cargo/bin/cargo" ]]; then
    export PATH="$HOME/.cargo/bin:$PATH"
  fi
  if ! have cargo; then
    say "Rust is missing. Get it from https://rustup.rs and run this again."
    exit 69
  fi
}

# Rust, a C compiler and cmake (zlib and SQLite are C).
need_to_build() {
  need_cargo
  local missing=()
  have cc || missing+=(gcc libc6-dev)
  have cmake || missing+=(cmake)
  have make || missing+=(make)
  if ((${#missing[@]})); then
    install_or_say "A C compiler, make and cmake are needed to build. Install them with your package manager (macOS: xcode-select --install, brew install cmake) and run this again." "${missing[@]}"
  fi
}
