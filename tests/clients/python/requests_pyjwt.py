# docs:begin connect
import base64
import hashlib
import os
import secrets
from urllib.parse import parse_qs, urlsplit

import jwt
import requests
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

ISSUER = os.environ["LIBRARY_ISSUER"]
CLIENT_ID = os.environ["LIBRARY_CLIENT_ID"]

# Once, at start: `keys` caches the library's public keys and asks again when it meets a new one.
server = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()
assert server["issuer"] == ISSUER
keys = jwt.PyJWKClient(server["jwks_uri"])
# docs:end


# docs:begin sign-in
def oauth(state=None):
    scope, redirect_uri = ["openid", "library.ebooks"], os.environ["LIBRARY_REDIRECT_URI"]
    return OAuth2Session(CLIENT_ID, scope=scope, redirect_uri=redirect_uri, state=state)


def sign_in():
    """Your "sign in with the library" link: keep `session` in the browser's session, send the browser to `url`."""
    nonce, verifier = secrets.token_urlsafe(), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    url, state = oauth().authorization_url(
        server["authorization_endpoint"], nonce=nonce, code_challenge=challenge, code_challenge_method="S256"
    )
    return url, {"state": state, "nonce": nonce, "verifier": verifier}


def callback(address, session):
    """Your callback, with the whole address that the browser came to and the session, which counts once."""
    if parse_qs(urlsplit(address).query).get("iss") != [ISSUER]:
        raise PermissionError("this answer is not the library's")  # RFC 9207
    client = oauth(session["state"])
    token = client.fetch_token(
        server["token_endpoint"],
        authorization_response=address,
        code_verifier=session["verifier"],
        auth=HTTPBasicAuth(CLIENT_ID, os.environ["LIBRARY_CLIENT_SECRET"]),
        timeout=10,
    )
    claims = jwt.decode(
        token["id_token"],
        keys.get_signing_key_from_jwt(token["id_token"]),
        algorithms=["RS256"],
        issuer=ISSUER,
        audience=CLIENT_ID,
        leeway=30,
        options={"require": ["iss", "aud", "exp", "iat", "sub", "nonce"]},
    )
    if not secrets.compare_digest(claims["nonce"], session["nonce"]):
        raise PermissionError("this ID token belongs to another request")
    userinfo = client.get(server["userinfo_endpoint"], timeout=10).json()
    if userinfo["sub"] != claims["sub"]:  # the reader: key your records on it
        raise PermissionError("userinfo speaks of somebody else")
    return claims, userinfo, token
# docs:end


# docs:begin api
def reader(access_token):
    """At your API: who sends this access token? Raises where nobody should be believed."""
    if jwt.get_unverified_header(access_token).get("typ", "").lower() != "at+jwt":
        raise PermissionError("this is no access token")
    claims = jwt.decode(
        access_token,
        keys.get_signing_key_from_jwt(access_token),
        algorithms=["ES256"],
        issuer=ISSUER,
        audience=os.environ["LIBRARY_RESOURCE"],
        leeway=30,
        options={"require": ["iss", "aud", "exp", "iat", "sub", "client_id", "scope"]},
    )
    if "library.ebooks" not in claims["scope"].split():
        raise PermissionError("no e-books for this reader")
    return claims
# docs:end


# What follows is the test's.

kept = None
if ISSUER.startswith("http://127.0.0.1"):
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"


def begin():
    global kept
    url, kept = sign_in()
    return url


def finish(address):
    claims, userinfo, token = callback(address, kept)
    return {"claims": claims, "userinfo": userinfo, **token, "scope": " ".join(token["scope"])}
