-- Goes on when a PIN was set or taken back: who remembers which PINs were shown lately forgets them.
INSERT INTO version (name, n) VALUES ('pins', 0);
