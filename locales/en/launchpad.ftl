launchpad-title = My library
launchpad-lead = Pick one and start. You are already signed in.
launchpad-books = Books
launchpad-databases = Look things up
launchpad-help = Help with schoolwork
launchpad-search = Search my library
launchpad-search-submit = Find
launchpad-found =
    { $count ->
        [0] Nothing here is called “{ $query }”.
        [one] One match for “{ $query }”.
       *[other] { $count } matches for “{ $query }”.
    }
launchpad-show-all = Show all
launchpad-empty-title = Your shelf is empty right now
launchpad-empty = Nothing is set up for your card yet. Ask a librarian: they can see why.
launchpad-missing-link = Why is something missing?
missing-title = Why is something missing?
missing-lead = These are not on your shelf. Here is why.
missing-none = Nothing is missing. Everything that the library has is on your shelf.
missing-not-listed = Looking for something else? The library may not have it yet. Tell a librarian that you would like it.
missing-back = Back to my library
