"""Prints the versions of what the comparison needs, and fails where something is missing."""

import json
import platform
from importlib import import_module, metadata, util

import shared

REQUIRED = ("torch", "transformers", "peft")
OPTIONAL = ("trl", "bitsandbytes")


def version(package):
    """None where it can't be imported; a package beside the installed ones, on PYTHONPATH, tells its version itself."""
    if util.find_spec(package) is None:
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return import_module(package).__version__


def main():
    shared.silence()
    found = {"Python": platform.python_version()}
    for package in REQUIRED + OPTIONAL:
        known = version(package)
        if known is not None:
            found[package] = known
        elif package in REQUIRED:
            raise SystemExit(f"it lacks the package {package}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
