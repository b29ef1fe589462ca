-- The numbers of a patron's card beside the one that the roster makes. `own_card` holds in the roster's place;
-- `earlier_cards`, with blanks between, open nothing and are nobody else's; `library_card` opens as well, and where
-- `library_card_way` is `merge` it is the one that is told.
ALTER TABLE patron ADD COLUMN own_card TEXT;
ALTER TABLE patron ADD COLUMN earlier_cards TEXT;
ALTER TABLE patron ADD COLUMN library_card TEXT;
ALTER TABLE patron ADD COLUMN library_card_way TEXT;
CREATE UNIQUE INDEX patron_own_card ON patron (own_card) WHERE own_card IS NOT NULL;
CREATE INDEX patron_earlier_cards ON patron (id) WHERE earlier_cards IS NOT NULL;
CREATE UNIQUE INDEX patron_library_card ON patron (library_card) WHERE library_card IS NOT NULL;

-- Goes on when the library gives a number out or takes one back: an import that compared cards before looks again.
INSERT INTO version (name, n) VALUES ('cards', 0);
