# On the way to a vendor that takes readers by a link.
link-title = On your way to { $vendor }
link-lead = You are signed in. The next page opens by itself; if it does not, go on here.
link-continue = Go to { $vendor }
link-card-lead = { $vendor } asks for your card number. It is this one; type it there.
link-host = You go to { $host }.
