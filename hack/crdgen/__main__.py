"""Command line of `hack/crds`."""

import argparse
import sys

from crdgen import files


def main() -> int:
    """Write deploy/crds, or with `--check` say what is stale (exit 1)."""
    parser = argparse.ArgumentParser(prog="hack/crds", description="Generate deploy/crds from reconciler/model/wire.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    check = parser.parse_args().check
    changed = files.stale() if check else files.write()
    for name in changed:
        print(f"deploy/crds/{name} {'is stale; run hack/crds' if check else 'written'}")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
