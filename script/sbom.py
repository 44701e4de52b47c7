#!/usr/bin/env python3
"""Prints the bill of materials of the command for a target, as CycloneDX 1.5: every crate that is in it, with its licence
and the checksum of Cargo.lock.

    script/sbom.py TARGET
"""

import json
import pathlib
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def metadata(target: str) -> dict:
    words = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(words, cwd=ROOT, check=True, capture_output=True).stdout)


def reached(told: dict) -> dict[str, list[str]]:
    """What the command's package depends on when it is built, tests aside, and each of these likewise."""
    nodes = {node["id"]: node for node in told["resolve"]["nodes"]}
    (root,) = (package["id"] for package in told["packages"] if package["name"] == "zkverdict" and package["source"] is None)
    found: dict[str, list[str]] = {}
    left = [root]
    while left:
        at = left.pop()
        if at in found:
            continue
        kinds = lambda dependency: {kind["kind"] for kind in dependency["dep_kinds"]}
        found[at] = sorted(d["pkg"] for d in nodes[at]["deps"] if None in kinds(d) or "build" in kinds(d))
        left += found[at]
    return found


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: sbom.py TARGET")
    told = metadata(sys.argv[1])
    packages = {package["id"]: package for package in told["packages"]}
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    sums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    graph = reached(told)
    purl = lambda package: f"pkg:cargo/{package['name']}@{package['version']}"

    def component(package: dict) -> dict:
        made = {
            "type": "library",
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(package),
        }
        if package["license"]:
            # Older packages separate alternatives by a slash.
            made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        if checksum := sums[package["name"], package["version"]]:
            made["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return made

    named = sorted((packages[identity] for identity in graph), key=lambda package: (package["name"], package["version"]))
    (root,) = (package for package in named if package["name"] == "zkverdict")
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root) | {"type": "application"}},
        "components": [component(package) for package in named if package is not root],
        "dependencies": [
            {"ref": purl(packages[identity]), "dependsOn": sorted(purl(packages[other]) for other in others)}
            for identity, others in sorted(graph.items(), key=lambda entry: purl(packages[entry[0]]))
        ],
    }
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
