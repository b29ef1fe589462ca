# docs:begin connect
import os
from urllib.parse import parse_qsl, urlsplit

from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.constants import OneLogin_Saml2_Constants as SAML
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.settings import OneLogin_Saml2_Settings

LIBRARY, VENDOR = os.environ["LIBRARY_ENTITY_ID"], os.environ["VENDOR_URL"]

OURS = {
    "strict": True,  # nothing is checked without
    "sp": {
        "entityId": f"{VENDOR}/saml/metadata",
        "assertionConsumerService": {"url": f"{VENDOR}/saml/acs", "binding": SAML.BINDING_HTTP_POST},
        "singleLogoutService": {"url": f"{VENDOR}/saml/slo", "binding": SAML.BINDING_HTTP_REDIRECT},
        "NameIDFormat": SAML.NAMEID_PERSISTENT,
        "privateKey": open(os.environ["VENDOR_KEY"]).read(),
        "x509cert": open(os.environ["VENDOR_CERTIFICATE"]).read(),
    },
    "security": {
        "authnRequestsSigned": True,
        "logoutRequestSigned": True,
        "logoutResponseSigned": True,
        "signMetadata": True,
        "metadataValidUntil": "",  # else what you send the library is over in two days
        "wantMessagesSigned": True,
        "wantAssertionsSigned": True,
        "wantAssertionsEncrypted": True,
        "signatureAlgorithm": SAML.RSA_SHA256,
        "digestAlgorithm": SAML.SHA256,
        "rejectDeprecatedAlgorithm": True,
    },
}


def settings():
    """Once a day, and where a signature is not believed. In this order: ours come last, so that ours hold."""
    address = os.environ["LIBRARY_METADATA"]
    library = OneLogin_Saml2_IdPMetadataParser.parse_remote(address, entity_id=LIBRARY, timeout=10)
    return OneLogin_Saml2_Settings(OneLogin_Saml2_IdPMetadataParser.merge_settings(library, OURS))


def metadata():
    """What you send the library, once."""
    return OneLogin_Saml2_Settings(OURS, sp_validation_only=True).get_sp_metadata()


def request(path, query="", form=None):
    """What the library must know of a request, from your framework's. Behind a proxy: your public address."""
    vendor = urlsplit(VENDOR)
    return {
        "https": "on" if vendor.scheme == "https" else "off",
        "http_host": vendor.netloc,
        "script_name": path,
        "query_string": query,
        "validate_signature_from_qs": True,  # the bytes that were signed, not what they decode to
        "get_data": dict(parse_qsl(query)),
        "post_data": form or {},
    }
# docs:end


# docs:begin sign-in
def sign_in(settings, came_from="", **wishes):
    """Your "sign in with the library" link: keep `asked` in the browser's session, send the browser to `url`."""
    auth = OneLogin_Saml2_Auth(request("/sign-in"), settings)
    url = auth.login(return_to=came_from, **wishes)
    return url, auth.get_last_request_id()


def arrive(settings, form, asked):
    """Your assertion consumer service, with the fields of the POST. `asked` counts once: take it out of the session."""
    auth = OneLogin_Saml2_Auth(request("/saml/acs", form=form), settings)
    auth.process_response(request_id=asked)
    if not auth.is_authenticated():
        raise PermissionError(auth.get_last_error_reason())
    if asked is None or auth.get_last_response_in_response_to() != asked:  # python3-saml leaves this one to you
        raise PermissionError("nobody asked for this response, or it was here before")
    return auth  # .get_nameid() is the reader: key your records on it; .get_attributes() is what she may
# docs:end


# docs:begin sign-out
def sign_out(settings, reader):
    """Your "sign out" link: keep `asked`, send the browser to `url`. `reader` is what `arrive` returned."""
    auth = OneLogin_Saml2_Auth(request("/sign-out"), settings)
    url = auth.logout(
        return_to=VENDOR,
        name_id=reader.get_nameid(),
        session_index=reader.get_session_index(),
        name_id_format=reader.get_nameid_format(),
        nq=reader.get_nameid_nq(),
        spnq=reader.get_nameid_spnq(),
    )
    return url, auth.get_last_request_id()


def logout(settings, query, asked, end_session):
    """Your single logout service, with the whole query: where to send the browser, if anywhere."""
    auth = OneLogin_Saml2_Auth(request("/saml/slo", query), settings)
    url = auth.process_slo(request_id=asked, delete_session_cb=end_session)
    if auth.get_errors():
        raise PermissionError(f"{auth.get_errors()} {auth.get_last_error_reason()}")
    return url  # None: she is signed out everywhere
# docs:end


# What follows is the test's: it plays the browser's session.

from onelogin.saml2.utils import OneLogin_Saml2_Utils

if os.environ.get("VENDOR_PLAIN"):
    OURS["security"]["wantAssertionsEncrypted"] = False

kept, asked, reader = None, None, None


def converse(wish):
    global kept, asked, reader
    if "metadata" in wish:
        return {"metadata": metadata().decode()}
    if "reload" in wish:
        os.environ["LIBRARY_METADATA"] = wish["reload"]
    if kept is None or "reload" in wish:
        kept = settings()
    if "reload" in wish:
        return {}
    if "begin" in wish:
        return begin(**wish["begin"])
    if "response" in wish:
        now, asked = asked, None
        reader = arrive(kept, wish["response"], now)
        return {
            "name_id": reader.get_nameid(),
            "format": reader.get_nameid_format(),
            "session_index": reader.get_session_index(),
            "attributes": reader.get_attributes(),
            "relay_state": wish["response"].get("RelayState"),
            "issuer": kept.get_idp_data()["entityId"],
        }
    if "logout" in wish:
        url, asked = sign_out(kept, reader)
        return {"url": url}
    ended = []
    url = logout(kept, wish["message"]["query"], asked, lambda: ended.append(True))
    if not ended:
        raise ValueError("nobody's session was ended")
    return {"url": url} if url else {"done": "Success"}


def begin(binding="redirect", relay_state="", force_authn=False, is_passive=False):
    global asked
    if binding == "redirect":
        url, asked = sign_in(kept, relay_state, force_authn=force_authn, is_passive=is_passive)
        return {"url": url}
    # It knows no POST for requests, but how to sign one.
    message = OneLogin_Saml2_Auth.authn_request_class(kept, force_authn, is_passive, True)
    asked = message.get_id()
    signed = OneLogin_Saml2_Utils.add_sign(
        message.get_xml(),
        kept.get_sp_key(),
        kept.get_sp_cert(),
        sign_algorithm=SAML.RSA_SHA256,
        digest_algorithm=SAML.SHA256,
    )
    fields = {"SAMLRequest": OneLogin_Saml2_Utils.b64encode(signed), "RelayState": relay_state}
    return {"action": kept.get_idp_data()["singleSignOnService"]["url"], "fields": fields}
