# docs:begin sign-in
import os

from authlib.integrations.flask_client import OAuth
from flask import Flask, abort, redirect, request, session

ISSUER = os.environ["LIBRARY_ISSUER"]

app = Flask(__name__)
app.secret_key = os.urandom(32)  # yours: from a secret, the same in every worker
oauth = OAuth(app)
oauth.register(
    "library",
    client_id=os.environ["LIBRARY_CLIENT_ID"],
    client_secret=os.environ["LIBRARY_CLIENT_SECRET"],
    server_metadata_url=f"{ISSUER}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid library.ebooks", "code_challenge_method": "S256"},
)


@app.get("/sign-in")
def sign_in():
    return oauth.library.authorize_redirect(os.environ["LIBRARY_REDIRECT_URI"])


@app.get("/callback")
def callback():
    if request.args.get("iss") != ISSUER:  # RFC 9207: Authlib leaves this one to you
        abort(400)
    token = oauth.library.authorize_access_token()  # state, PKCE, and the ID token: signature, iss, aud, exp, nonce
    claims = token["userinfo"]  # what the ID token says; claims["sub"] is the reader: key your records on it
    userinfo = oauth.library.userinfo(token=token)
    if userinfo["sub"] != claims["sub"]:  # Authlib leaves this one to you, too
        abort(400)
    session["reader"] = claims["sub"]
    return welcome(claims, userinfo, token)
# docs:end


# docs:begin api
import time

from authlib.integrations.flask_oauth2 import ResourceProtector, current_token
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet


class LibraryTokens(JWTBearerTokenValidator):
    keys, read_at = None, 0.0

    def get_jwks(self):  # Authlib does not cache for you: five minutes is what the library promises
        if self.keys is None or time.monotonic() - self.read_at > 300:
            self.keys = KeySet.import_key_set(oauth.library.fetch_jwk_set(force=True))
            self.read_at = time.monotonic()
        return self.keys

    def authenticate_token(self, token_string):
        token = super().authenticate_token(token_string)
        if token.header.get("typ", "").lower() != "at+jwt":  # Authlib takes a token that does not say what it is
            raise InvalidTokenError()
        return token


library = ResourceProtector()
library.register_token_validator(LibraryTokens(ISSUER, resource_server=os.environ["LIBRARY_RESOURCE"]))


@app.get("/api/shelf")
@library("library.ebooks")  # 401 or 403 where nobody should be believed
def shelf():
    return {"reader": current_token["sub"], "scope": current_token["scope"]}
# docs:end


# What follows is the test's: it plays the browser at this vendor's own door.


def welcome(claims, userinfo, token):
    return {"claims": claims, "userinfo": userinfo, **token}


browser = None


def begin():
    global browser
    browser = app.test_client()
    return browser.get("/sign-in").location


def finish(address):
    query = address.partition("?")[2]
    answer = browser.get(f"/callback?{query}")
    if answer.status_code != 200:
        raise ValueError(f"{answer.status}: {answer.text}")
    return answer.json


def reader(token):
    try:
        answer = app.test_client().get("/api/shelf", headers={"Authorization": f"Bearer {token}"})
    except UnicodeError as error:
        raise ValueError("no header can carry this") from error
    if answer.status_code != 200:
        raise ValueError(f"{answer.status}: {answer.text}")
    return {"sub": answer.json["reader"], "scope": answer.json["scope"]}


app.config["PROPAGATE_EXCEPTIONS"] = True
