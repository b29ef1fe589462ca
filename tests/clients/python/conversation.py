"""A vendor's Python program, told what to do over lines of JSON: python conversation.py authlib_flask
tests/actors/stock.rs and tests/actors/saml.rs say what the lines mean. One process makes many clicks and keeps what its
library caches."""

import importlib
import json
import sys

vendor = importlib.import_module(sys.argv[1])

for line in sys.stdin:
    wish = json.loads(line)
    try:
        if hasattr(vendor, "converse"):
            said = vendor.converse(wish)
        elif wish.get("begin"):
            said = {"authorize": vendor.begin()}
        elif "callback" in wish:
            said = vendor.finish(wish["callback"])
        else:
            said = {"claims": vendor.reader(wish["verify"])}
    except Exception as error:
        said = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(said), flush=True)
