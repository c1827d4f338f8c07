# The virtual environment of ./run and ./test; sourced from the repository's folder.
# What is already there is left alone: a second call only compares a stamp.

VENV=$PWD/.venv

fail() {
    printf '%s\n' "$@" >&2
    exit 2
}

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Ferryman needs Python 3.11 or newer, and no such python3 is on the PATH." \
        "hint: install it (Debian: apt install python3 python3-venv) and start again."
}

stamp_of() {
    # What decides what is installed: the extras, the project file, the place and the interpreter.
    "$VENV/bin/python" - "$1" <<'PYTHON'
import hashlib
import pathlib
import sys

text = "\n".join([sys.argv[1], sys.version, sys.prefix, pathlib.Path("pyproject.toml").read_text()])
print(hashlib.sha256(text.encode()).hexdigest())
PYTHON
}

make_venv() {
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "The module venv of $python is missing." \
            "hint: install it (Debian: apt install python3-venv) and start again."
    echo "Making a virtual environment in .venv …" >&2
    rm -rf "$VENV"
    "$python" -m venv "$VENV"
}

prepare() {
    # One stamp for each set of extras: ./run after ./test, or before it, installs nothing anew.
    wanted=$1
    "$VENV/bin/python" -c '' 2>/dev/null || make_venv
    stamp=$VENV/.installed-$(echo "$wanted" | tr , -)
    now=$(stamp_of "$wanted")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
    echo "Installing Ferryman and what it needs into .venv (a few minutes the first time) …" >&2
    # The pip that comes with Python 3.11 gives up on versions that newer ones find.
    if ! "$VENV/bin/python" -m pip install --quiet --upgrade "pip>=26" 2>"$VENV/install.log" ||
        ! "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check \
            -e ".[$wanted]" 2>>"$VENV/install.log"; then
        tail -n 5 "$VENV/install.log" >&2
        fail "error: the installation failed; all of it is in .venv/install.log." \
            "hint: check the network, then start again: what was fetched is kept."
    fi
    echo "$now" >"$stamp"
}

pull() {
    # `path` is quick, and fails unless every one of the models is wholly here.
    "$VENV/bin/ferryman" models path "$@" >/dev/null 2>&1 ||
        "$VENV/bin/ferryman" models pull "$@"
}
