consent-title = May { $vendor } know this about you?
consent-title-device = Connect a device to { $vendor }?
consent-told = { $vendor } will be told
consent-pseudonym = that you are a reader of { $library }, under a made-up name that nobody but { $vendor } sees
consent-band-juvenile = that you choose from the children’s shelves
consent-band-young-adult = that you choose from the teen shelves
consent-band-adult = that you choose from all shelves
consent-type-student = that you are a student
consent-type-staff = that you work at a school
consent-privileges = that your card is good for:
consent-card = your card number, { $number }.
consent-card-purpose = What for: { $purpose }
consent-profile = your name, and what your work profile says
consent-email = your work e-mail
consent-phone = your work phone number
consent-address = your work address
consent-not-told = It will not be told
consent-not-personal = your name, e-mail, phone number or address
consent-not-profile = your name
consent-not-email = your e-mail
consent-not-phone = your phone number
consent-not-address = your address
consent-not-card = your card number
consent-not-school = which school you go to or work at
consent-not-pin = your PIN
consent-stays =
    { $days ->
        [one] It may keep you signed in for one day, also after you sign out here.
       *[other] It may keep you signed in for { $days } days, also after you sign out here.
    }
consent-allow = Yes, go on
consent-allow-device = Yes, connect it
consent-deny = No
consent-device-code = The device shows this code
consent-device-warning = Only say yes if this device is in front of you and shows this code.
consent-device-phishing = Did somebody send you the code or a link? Then say no: they want to read with your card.
