"""Prints the versions of what the comparison needs, and fails where something is missing."""

import json
import platform
from importlib import metadata

REQUIRED = ("torch", "transformers", "peft")
OPTIONAL = ("trl", "bitsandbytes")


def main():
    found = {"Python": platform.python_version()}
    for package in REQUIRED + OPTIONAL:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            if package in REQUIRED:
                raise SystemExit(f"it lacks the package {package}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
