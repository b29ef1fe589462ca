"""Holds manifests (a JSON list on standard input) against Kubernetes' own JSON schemas, strictly: an unknown field is an
error. The releases are the arguments, `1.30 1.37`. Kinds that are not Kubernetes' own are named in KNOWN_ELSEWHERE."""

import json
import sys

from kubernetes_validate import utils

# Read by their own types alone (main.go).
KNOWN_ELSEWHERE = {"HTTPRoute", "PrometheusRule", "ServiceMonitor"}


def main() -> int:
    wrong = []
    for manifest in json.load(sys.stdin):
        if manifest["kind"] in KNOWN_ELSEWHERE:
            continue
        for release in sys.argv[1:]:
            try:
                utils.validate(manifest, release, strict=True)
            except (utils.ValidationError, utils.SchemaNotFoundError, utils.VersionNotSupportedError) as error:
                name = f"{manifest['kind']} {manifest['metadata']['name']}"
                where = ".".join(str(part) for part in getattr(error, "path", []))
                wrong.append(f"{name}, Kubernetes {release}: {where}: {getattr(error, 'message', error)}")
    print("\n".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
