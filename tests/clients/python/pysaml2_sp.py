# docs:begin connect
import os
from urllib.parse import parse_qsl

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.metadata import entity_descriptor
from saml2.saml import NAMEID_FORMAT_PERSISTENT
from saml2.sigver import verify_redirect_signature
from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

LIBRARY, VENDOR = os.environ["LIBRARY_ENTITY_ID"], os.environ["VENDOR_URL"]
KEY, CERTIFICATE = os.environ["VENDOR_KEY"], os.environ["VENDOR_CERTIFICATE"]
SOURCE = {"remote": [{"url": os.environ["LIBRARY_METADATA"]}]}  # once a day: client.reload_metadata(SOURCE)

SETTINGS = {
    "entityid": f"{VENDOR}/saml/metadata",
    "metadata": SOURCE,
    "key_file": KEY,
    "cert_file": CERTIFICATE,
    "encryption_keypairs": [{"key_file": KEY, "cert_file": CERTIFICATE}],
    "accepted_time_diff": 30,
    "allow_unknown_attributes": True,  # it knows eduPerson, not the library's own audience band
    "service": {
        "sp": {
            "endpoints": {
                "assertion_consumer_service": [(f"{VENDOR}/saml/acs", BINDING_HTTP_POST)],
                "single_logout_service": [(f"{VENDOR}/saml/slo", BINDING_HTTP_REDIRECT)],
            },
            "name_id_format": NAMEID_FORMAT_PERSISTENT,
            "name_id_policy_format": NAMEID_FORMAT_PERSISTENT,
            "signing_algorithm": SIG_RSA_SHA256,  # here: elsewhere it counts for nothing, and SHA-1 is the default
            "digest_algorithm": DIGEST_SHA256,
            "authn_requests_signed": True,
            "logout_requests_signed": True,
            "logout_responses_signed": True,
            "want_response_signed": True,
            "want_assertions_signed": True,
            "allow_unsolicited": False,
        },
    },
}
# docs:end

# What follows until the next mark is the test's: some want no encryption, some want readers whom they did not ask for,
# some forget a line.
if os.environ.get("VENDOR_PLAIN"):
    del SETTINGS["encryption_keypairs"]
if os.environ.get("VENDOR_UNASKED"):
    SETTINGS["service"]["sp"]["allow_unsolicited"] = True
if os.environ.get("VENDOR_MISTAKEN"):
    del SETTINGS["service"]["sp"]["signing_algorithm"]

# docs:begin client
config = SPConfig().load(SETTINGS)
client = Saml2Client(config)  # one for the program; several workers: give it an identity_cache and a state_cache


def metadata():
    """What you send the library, once."""
    return str(entity_descriptor(config))
# docs:end


# docs:begin sign-in
def sign_in(came_from="", **wishes):
    """Your "sign in with the library" link: keep `asked` in the browser's session, send the browser to `url`."""
    request_id, request = client.prepare_for_authenticate(
        LIBRARY, relay_state=came_from, binding=BINDING_HTTP_REDIRECT, **wishes
    )
    return dict(request["headers"])["Location"], {request_id: came_from}


def arrive(form, asked):
    """Your assertion consumer service, with the fields of the POST. `asked` counts once: take it out of the session."""
    response = client.parse_authn_request_response(form["SAMLResponse"], BINDING_HTTP_POST, outstanding=asked)
    if response is None or response.name_id is None:  # pysaml2 says so, and does not raise, where it is sent elsewhere
        raise PermissionError("this response is not for us")
    return response.session_info()  # ["name_id"].text is the reader: key your records on it; ["ava"] her attributes
# docs:end


# docs:begin sign-out
def sign_out(name_id):
    """Your "sign out" link, with the `name_id` of the session: send the browser to the address."""
    binding, request = client.global_logout(name_id)[LIBRARY]
    return dict(request["headers"])["Location"]


def logout(query, name_id):
    """Your single logout service, with the whole query: where to send the browser, if anywhere."""
    fields = dict(parse_qsl(query))
    certificates = client.metadata.certs(LIBRARY, "idpsso", "signing")
    by = (verify_redirect_signature(fields, client.sec.sec_backend, certificate) for _, certificate in certificates)
    if fields["SigAlg"] != SIG_RSA_SHA256 or not any(by):  # pysaml2 leaves this one to you
        raise PermissionError("this message is not the library's")
    if "SAMLRequest" in fields:  # she signed out elsewhere: end this browser's session here
        answer = client.handle_logout_request(
            fields["SAMLRequest"], name_id, BINDING_HTTP_REDIRECT, relay_state=fields.get("RelayState")
        )
        return dict(answer["headers"])["Location"]
    response = client.parse_logout_request_response(fields["SAMLResponse"], BINDING_HTTP_REDIRECT)
    client.handle_logout_response(response)  # she is signed out everywhere
# docs:end


# What follows is the test's: it plays the browser's session.

import html
import re

asked, reader = {}, None


def converse(wish):
    global asked, reader
    if "metadata" in wish:
        return {"metadata": metadata()}
    if "reload" in wish:
        SOURCE["remote"][0]["url"] = wish["reload"]
        client.reload_metadata(SOURCE)
        return {}
    if "begin" in wish:
        return begin(**wish["begin"])
    if "response" in wish:
        now, asked = asked, {}
        info = arrive(wish["response"], now)
        reader = info["name_id"]
        return {
            "name_id": reader.text,
            "format": reader.format,
            "session_index": info["session_index"],
            "attributes": info["ava"],
            "relay_state": wish["response"].get("RelayState"),
            "issuer": info["issuer"],
        }
    if "logout" in wish:
        return {"url": sign_out(reader)}
    address = logout(wish["message"]["query"], reader)
    return {"url": address} if address else {"done": "Success"}


def begin(binding="redirect", relay_state="", force_authn=False, is_passive=False):
    global asked
    wishes = {}
    if force_authn:
        wishes["force_authn"] = "true"
    if is_passive:
        wishes["is_passive"] = "true"
    if binding == "redirect":
        url, asked = sign_in(relay_state, **wishes)
        return {"url": url}
    request_id, request = client.prepare_for_authenticate(
        LIBRARY, relay_state=relay_state, binding=BINDING_HTTP_POST, **wishes
    )
    asked = {request_id: relay_state}
    inputs = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', request["data"])
    return {"action": request["url"], "fields": {name: html.unescape(value) for name, value in inputs}}
