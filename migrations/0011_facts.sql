-- What the library keeps with a patron besides the roster and the PIN, in JSON: why a card is blocked, an audience that a
-- parent lowered, privileges given to this card alone. None where there is nothing of the kind.
ALTER TABLE patron ADD COLUMN kept TEXT;

-- What an export last told of a patron: the keyed digest of the line, the card that it told, and when it was first
-- told like that. So the next export knows what has changed since.
CREATE TABLE export_line (
    export     TEXT   NOT NULL,
    patron     TEXT   NOT NULL,
    card       TEXT   NOT NULL,
    digest     TEXT   NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (export, patron)
);
CREATE INDEX export_line_patron ON export_line (patron);
