# docs:begin check
import hmac
import time
from urllib.parse import parse_qsl

used = set()  # shared by all your servers; an id may be forgotten when its link is over


def reader(query, secret):
    """Who comes by a signed link. `query`: all behind the ?, as it arrived. Raises where nobody should be believed."""
    signed, _, signature = query.partition("&signature=")
    expected = hmac.new(secret.encode(), signed.encode(), "sha256").hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise PermissionError("this link is not the library's")
    told = dict(parse_qsl(signed))
    if int(told["until"]) <= time.time() or told["once"] in used:
        raise PermissionError("this link is over")
    used.add(told["once"])
    return told["reader"], told["age"]  # key your records on the first; the second is the shelf to show
# docs:end


# What follows is the test's.


def converse(wish):
    name, age = reader(wish["query"], wish["secret"])
    return {"reader": name, "age": age}
