device-title = Connect a device
device-lead = Your e-reader or kiosk shows a code. Type it here, then sign in with your card.
device-code = Code on the device
device-code-hint = Eight letters, like BCDF-GHJK. Small letters are fine.
device-submit = Go on
device-warning-title = Only for a device in front of you
device-warning = Never type a code that somebody sent you or read to you. Whoever sends one wants to read with your card.
device-unknown = We do not know that code.
device-unknown-now = Maybe a letter is wrong, or the code waited longer than ten minutes. Look at the device again, or let it show a new code.
device-too-many-now =
    { $minutes ->
        [one] Wait one minute, then type the code once more.
       *[other] Wait { $minutes } minutes, then let the device show a new code.
    }
device-connected-title = All set
device-connected = Go back to your device. It goes on by itself in a few seconds.
device-shared = Not your computer? Sign out here when you have finished. A kiosk is then signed out, too.
device-sign-out = Sign out here
device-declined-title = The device was not connected
device-declined = It gets nothing from your card, and says so in a few seconds.
device-declined-now = Did somebody send you that code? Tell your teacher or a librarian.
