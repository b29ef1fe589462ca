badge-title = Show your badge
badge-lead = Scan the square on your badge. A scanner types it here all by itself.
badge-read = Your badge is read. Press Go!
badge-camera = Scan with the camera
badge-code = Your badge
badge-submit = Go
badge-pin-instead = Sign in with your PIN
badge-way = I have a badge
badge-not-a-badge = That was not the square of a badge.
badge-not-a-badge-now = Hold the badge still and try again. Still stuck? Ask your teacher.
pictures-title = Pick your pictures
pictures-lead =
    { $place ->
        [1] Which picture is your first?
        [2] Which picture comes next?
       *[3] And the last one?
    }
pictures-picked = Your picks
pictures-open = Not picked yet
pictures-again = Start again
picture-sun = Sun
picture-moon = Moon
picture-star = Star
picture-tree = Tree
picture-fish = Fish
picture-bird = Bird
picture-boat = Boat
picture-house = House
picture-flower = Flower
picture-apple = Apple
picture-kite = Kite
picture-key = Key

# Printed sheets
sheet-title = Badges of { $organisation }, { $year }
sheet-note = Print this page at 100 %, cut along the lines, and delete the file: whoever has it can use every badge on it. Badges that were printed before for the same children no longer work.
list-title = Pictures of { $organisation }, { $year }
list-note = For the teacher. Keep it where no child sees it.
list-child = Badge
list-first = First
list-second = Second
list-third = Third
