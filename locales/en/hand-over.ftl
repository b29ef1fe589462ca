hand-over-title = One more step
hand-over-lead = You are signed in. The next page opens by itself; if it does not, go on here.
hand-over-continue = Go on
