# A library card that a patron had before.
library-card-title = A library card that you already have
library-card-lead = Did you have a library card before this one? You can use both.
library-card-linked = Your library card { $number } is linked.
library-card-either = You can sign in with either number.
library-card-one-pin = The PIN is always the one of your student card.
library-card-told-library = Your library card is the number on your card page.
library-card-told-student = The number on your card page stays { $number }.
library-card-told-student-plain = The number on your card page stays the same.
library-card-card = Number of your library card
library-card-card-hint = It stands under the bars of the card.
library-card-pin = PIN of your library card
library-card-pin-hint = We ask the library whether it is right. We do not keep it.
library-card-submit = Link this card
library-card-undo-lead = You can take it back whenever you want. Then only your student card signs you in.
library-card-undo = Take the link back
library-card-ask-staff = Take both cards to a library desk. Staff there can link them for you.
library-card-back = Back to my card
library-card-missing-card = Type the number of your library card.
library-card-missing-pin = Type the PIN of your library card.
# Why a card was not linked.
library-card-unproven = The library says that this number and PIN do not go together. Check both and try again.
library-card-lost = The library has this card as lost. Ask at a library desk.
library-card-taken = This number belongs to somebody’s card here already. Ask at a library desk.
library-card-no-number = That is not a card number. Check it and try again.
ils-not-configured = We cannot check library cards here. Take both cards to a library desk.
ils-away = The library’s computer does not answer right now. Nothing was changed. Try again later.
