# What a vendor's screen may show when SIP2 answers no, beside the reasons.
sip2-pin-needed = A card alone opens nothing here. Type the PIN too.
sip2-no-loans = Loans are made by the library's own system. Only cards are checked here.
sip2-not-now = The library cannot check cards right now. Try again in a minute.
