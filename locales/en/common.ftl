# What stands around every page.
skip = Skip to the page
nav-label = Your library
nav-library = My library
nav-card = My card
signed-in-as = Signed in as { $badge }
not-you = Not you?
done = Done
language-label = Language
footer-privacy = The library never tells your school what you read.
problem-title = Let’s fix one thing
error-in-title = Problem: { $title }
date-long =
    { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    } { $day }, { $year }
