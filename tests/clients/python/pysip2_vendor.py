# docs:begin connect
import os
import socket
import ssl
from datetime import datetime

import pysip2

INSTITUTION = os.environ.get("LIBRARY_INSTITUTION", "")


class Library:
    """One connection, for many questions, one after another. It is closed when nobody asks for some minutes, and when
    the library starts anew: open another at the next question."""

    def __init__(self):
        host, port = os.environ["LIBRARY_SIP2"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=10)
        if "LIBRARY_SIP2_PLAIN" not in os.environ:  # for the demo on your machine: it has no certificate
            trust = ssl.create_default_context(cafile=os.environ.get("LIBRARY_SIP2_CA"))
            self.socket = trust.wrap_socket(self.socket, server_hostname=host)
        self.kept, self.sequence = b"", 9
        login = pysip2.LoginRequest(
            uid_algorithm="0",
            pwd_algorithm="0",
            login_user_id=os.environ["LIBRARY_SIP2_LOGIN"],
            login_password=os.environ["LIBRARY_SIP2_PASSWORD"],
        )
        if self.ask(login).ok != "1":
            raise PermissionError("the library does not know this login, or not from this address")

    def ask(self, message):
        self.sequence = (self.sequence + 1) % 10
        trailer = {"sequence_number": self.sequence, "checksum": True}
        self.socket.sendall(pysip2.encode_message(message, encoding="utf-8", **trailer))
        while b"\r" not in self.kept:
            more = self.socket.recv(4096)
            if not more:
                raise ConnectionError("the library has hung up")
            self.kept += more
        frame, _, self.kept = self.kept.partition(b"\r")
        answer = pysip2.decode_message(frame + b"\r", encoding="utf-8")  # and the checksum is right
        if answer.sequence_number != self.sequence:
            raise ConnectionError("this answers another question")
        return answer.message
# docs:end


# docs:begin check
def information(library, card, pin, language="001"):
    """All that the library says: 63, answered by 64. Without a PIN (None), a card is only looked up."""
    return library.ask(
        pysip2.PatronInformationRequest(
            language=language,
            transaction_date=datetime.now().strftime("%Y%m%d    %H%M%S"),
            summary=" " * 10,
            institution_id=INSTITUTION,
            patron_identifier=card,
            terminal_password="",
            patron_password=pin,
        )
    )


def reader(library, card, pin):
    """Who reads with this card and PIN: key your records on what it returns. Raises with a sentence for her screen."""
    answer = information(library, card, pin)
    if (answer.valid_patron, answer.valid_patron_password) != ("Y", "Y"):
        raise PermissionError(" ".join(answer.screen_message))
    return answer.patron_identifier
# docs:end


# What follows is the test's.

import msgspec
from pysip2.models import spec_for_type

line = None


def seen(answer):
    """Fields under their identifiers, the fixed part under pysip2's names for it."""
    spec, values = spec_for_type(type(answer)), msgspec.to_builtins(answer)
    said = {field.field_id or field.name: values[field.name] for field in spec.fields}
    said = {name: " ".join(value) if isinstance(value, (list, tuple)) else value for name, value in said.items()}
    return {"code": spec.command_id, **{name: value for name, value in said.items() if value not in (None, "")}}


def converse(wish):
    global line
    if "connect" in wish:
        line = Library()
        return seen(line.ask(pysip2.SCStatusRequest(status_code="0", max_print_width="080", protocol_version="2.00")))
    if "reader" in wish:
        return {"reader": reader(line, **wish["reader"])}
    if "information" in wish:
        return seen(information(line, **wish["information"]))
    now, (kind, asked) = datetime.now().strftime("%Y%m%d    %H%M%S"), *wish.items()
    who = {"transaction_date": now, "institution_id": INSTITUTION, "patron_identifier": asked["card"]}
    if kind == "status":  # which has a PIN, if an empty one
        who |= {"terminal_password": "", "patron_password": asked["pin"] or ""}
        return seen(line.ask(pysip2.PatronStatusRequest(language="001", **who)))
    return seen(line.ask(pysip2.EndPatronSessionRequest(**who)))
