card-title = My card
card-lead = Show this at any library desk, or scan it yourself.
card-kind = Library card
card-number = Card number
card-barcode = Barcode of card { $number }
card-qr = QR code of card { $number }
card-valid = Good until { $date }
card-valid-open = Good as long as you are at your school
card-good-for = What your card is good for
card-loans = { $number ->
    [one] You can borrow one thing at a time.
   *[other] You can borrow { $number } things at a time.
}
card-no-fines = No overdue fines.
card-good-for-nothing = Your card opens nothing right now. Ask a librarian: they can see why.
card-print-title = Carry it with you
card-print = Print this page from your browser’s menu. The card comes out in its real size: cut along the line.
card-name = Name
card-change-pin = Change my PIN
scope-library-ebooks = E-books and audiobooks
scope-library-databases = Databases and encyclopedias
scope-library-learning = Help with learning and homework
scope-library-checkout = Books to take home from the library
scope-library-hotspot = Internet hotspots to borrow
card-link-library-card = Link a library card that you already have
card-other-number = You can also sign in with the number { $number }.
