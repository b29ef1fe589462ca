refusal-title-vendor = { $vendor } is not open for you right now
refusal-title = Your card cannot be used right now
refusal-why = Why
refusal-now = What you can do
refusal-code = If you ask for help, show this code:
refusal-return = Go back to { $vendor }
refusal-launchpad = See what I can use
refusal-sign-in = Sign in with another card

# One pair for every reason: why, and what now.
reason-sign-in-failed = That ID and that PIN do not go together.
reason-sign-in-failed-now = Check both and try again. Still stuck? Ask your teacher or a librarian.
reason-too-many-tries = There were too many wrong tries.
reason-too-many-tries-now =
    { $minutes ->
        [0] Wait a moment, then try again. A librarian can help if you forgot your PIN.
        [one] Wait one minute, then try again. A librarian can help if you forgot your PIN.
       *[other] Wait { $minutes } minutes, then try again. A librarian can help if you forgot your PIN.
    }
reason-pin-must-change = Your PIN is still your first PIN. It does not work here until you change it.
reason-pin-must-change-now = Sign in on the library’s own page and choose a new PIN. Then come back.
reason-no-pin = Your card has no PIN yet.
reason-no-pin-now = Ask a librarian or your school to set a PIN for you.
reason-directory-disabled = Your school has switched this account off.
reason-directory-disabled-now = Ask the computer help desk of your school. If you have a PIN, you can use it here.
reason-directory-expired = The last day of this school account is over.
reason-directory-expired-now = Ask the computer help desk of your school. If you have a PIN, you can use it here.
reason-directory-password-change = Your school wants you to change this password first.
reason-directory-password-change-now = Change it where you always do, for example on a school computer. Then come back.
reason-directory-away = That is no card with its PIN, and we cannot ask your school about passwords right now.
reason-directory-away-now = With a PIN: check both and try again. With a school password: try again in a few minutes.
reason-card-blocked = The library has put this card on hold.
reason-card-blocked-now = Ask at the library desk. They can tell you why and open it again.
reason-withdrawn = Your school no longer has you on its list, so this card is asleep.
reason-withdrawn-now = Still at this school? Ask the school office to check its list. At a new school? Ask there for your card.
reason-opted-out = Your family asked the library to keep this card switched off.
reason-opted-out-now = If your family has changed its mind, a parent or guardian can tell your school.
reason-no-agreement = Your school and the library do not share a card yet.
reason-no-agreement-now = You can still get a free card of your own. Ask at any library.
reason-agreement-ended = The agreement between your school and the library has ended.
reason-agreement-ended-now = Ask your teacher or a librarian what comes next. You can also get a free card of your own.
reason-agreement-not-begun = The library cards of your school have not started yet.
reason-agreement-not-begun-now = Ask your teacher or a librarian when they start, and come back then.
reason-role-not-covered = The library cards of your school are not for your job there.
reason-role-not-covered-now = You can get a free card of your own. Ask at any library.
reason-grade-not-covered = The library cards of your school are for other grades.
reason-grade-not-covered-now = You can get a free card of your own. Ask at any library.
reason-audience-mismatch = This place is made for readers of another age.
reason-audience-mismatch-now = Pick something from your own shelf. A librarian can help you find a good one.
reason-nothing-granted = Your card does not open this place.
reason-nothing-granted-now = It opens other places: see your own shelf. If you need this one, ask a librarian.
reason-vendor-disabled = The library has closed this place for now.
reason-vendor-disabled-now = Try again another day, or pick something else from your shelf.
reason-declined = You said no, so nothing was shared.
reason-declined-now = That is fine. You can pick something else, or start again.
reason-expired = That page waited too long, or it was already used.
reason-expired-now = Start again from the place that you want to open.
reason-badge-void = This badge does not work.
reason-badge-void-now = Ask your teacher for a new one. You can also sign in with your PIN.
reason-badge-not-here = Badges work at school, at school time.
reason-badge-not-here-now = At home, sign in with your student ID and your PIN. A grown-up can help.
reason-pictures-wrong = Those are not your pictures.
reason-pictures-wrong-now = Think again and pick your three pictures in order.
reason-pictures-locked = There were too many wrong picks, so your badge is resting.
reason-pictures-locked-now = Tell your teacher, who can give you new pictures.
reason-pin-needed = Your badge does not open this.
reason-pin-needed-now = Sign in with your student ID and your PIN to see it.
