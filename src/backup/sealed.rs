//! A stream in sealed chunks: AES-256-GCM, the nonce a counter and a mark of the last one (the STREAM construction of
//! Hoang, Reyhanitabar, Rogaway and Vizár, 2015), so that a chunk which was changed, moved, left out or added does not
//! open, and an end that was cut off is noticed. The key serves one stream alone.

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Bytes of plain text in every chunk but the last.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;

fn nonce(counter: u64, last: bool) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    if let Some(place) = bytes.get_mut(3..11) {
        place.copy_from_slice(&counter.to_be_bytes());
    }
    if let Some(mark) = bytes.last_mut() {
        *mark = u8::from(last);
    }
    Nonce::assume_unique_for_key(bytes)
}

fn cipher(key: &[u8; 32]) -> io::Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| io::Error::other("no cipher for this key"))?;
    Ok(LessSafeKey::new(key))
}

/// Seals what is written to it. Without `finish` the stream has no end, and reads as cut off.
pub struct Sealer<W> {
    key: LessSafeKey,
    inner: W,
    plain: Vec<u8>,
    counter: u64,
}

impl<W: Write> Sealer<W> {
    pub fn new(key: &[u8; 32], inner: W) -> io::Result<Sealer<W>> {
        Ok(Sealer { key: cipher(key)?, inner, plain: Vec::with_capacity(CHUNK + TAG), counter: 0 })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.key.seal_in_place_append_tag(nonce(self.counter, last), Aad::empty(), &mut self.plain);
        sealed.map_err(|_| io::Error::other("a chunk could not be sealed"))?;
        self.inner.write_all(&self.plain)?;
        self.plain.clear();
        self.counter += 1;
        Ok(())
    }

    /// Seals the last chunk, with its mark.
    pub fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for what comes after it: it may be the last.
        if self.plain.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.plain.len());
        self.plain.extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads what a `Sealer` wrote.
pub struct Unsealer<R> {
    key: LessSafeKey,
    inner: R,
    /// The chunk after the one that is being read, still sealed: where there is none, that one is the last.
    next: Vec<u8>,
    plain: Vec<u8>,
    read: usize,
    counter: u64,
    over: bool,
}

impl<R: Read> Unsealer<R> {
    pub fn new(key: &[u8; 32], mut inner: R) -> io::Result<Unsealer<R>> {
        let next = chunk(&mut inner)?;
        Ok(Unsealer { key: cipher(key)?, inner, next, plain: Vec::new(), read: 0, counter: 0, over: false })
    }

    fn open(&mut self) -> io::Result<()> {
        let after = chunk(&mut self.inner)?;
        let sealed = std::mem::replace(&mut self.next, after);
        let last = self.next.is_empty();
        let (from, to) =
            (self.counter * (CHUNK + TAG) as u64, self.counter * (CHUNK + TAG) as u64 + sealed.len() as u64);
        let mut bytes = sealed.clone();
        let opened = self.key.open_in_place(nonce(self.counter, last), Aad::empty(), &mut bytes).map(|open| open.len());
        let Ok(length) = opened else {
            let mut bytes = sealed;
            let cut = last && self.key.open_in_place(nonce(self.counter, false), Aad::empty(), &mut bytes).is_ok();
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                match (cut, last) {
                    (true, _) => format!("it is cut off: it goes on after its first {to} sealed bytes"),
                    (false, true) => format!("it was changed or cut off at its end (sealed bytes {from} to {to})"),
                    (false, false) => format!("it was changed or damaged (sealed bytes {from} to {to})"),
                },
            ));
        };
        bytes.truncate(length);
        self.plain = bytes;
        self.read = 0;
        self.counter += 1;
        self.over = last;
        Ok(())
    }

    /// Reads on to the end. Whatever was not asked for must open as well.
    ///
    /// # Errors
    /// Where a chunk does not open, or the stream is cut off.
    pub fn drain(&mut self) -> io::Result<()> {
        while !self.over {
            self.open()?;
        }
        Ok(())
    }
}

impl<R: Read> Read for Unsealer<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() {
            if self.over {
                return Ok(0);
            }
            self.open()?;
        }
        let rest = self.plain.get(self.read..).unwrap_or_default();
        let taken = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.read += taken;
        Ok(taken)
    }
}

/// A sealed chunk, whole unless it is the last.
fn chunk(inner: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(CHUNK + TAG);
    inner.take((CHUNK + TAG) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sealed(length: usize) -> (Vec<u8>, Vec<u8>) {
        let plain: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let mut sealer = Sealer::new(&KEY, Vec::new()).unwrap();
        for part in plain.chunks(999) {
            sealer.write_all(part).unwrap();
        }
        (plain, sealer.finish().unwrap())
    }

    fn opened(sealed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Unsealer::new(&KEY, sealed)?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    #[test]
    fn what_was_sealed_is_read_again_whatever_its_length() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 500] {
            let (plain, sealed) = sealed(length);
            assert!(opened(&sealed).unwrap() == plain, "{length}");
        }
    }

    #[test]
    fn no_byte_can_be_changed_and_no_end_cut_off_or_added() {
        let (_, whole) = sealed(2 * CHUNK + 500);
        for place in [0, 1, CHUNK, CHUNK + TAG, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            assert!(opened(&changed).is_err(), "byte {place}");
        }
        for length in [0, 1, CHUNK, CHUNK + TAG, 2 * (CHUNK + TAG), whole.len() - 1] {
            assert!(opened(&whole[..length]).is_err(), "cut at {length}");
        }
        let cut = opened(&whole[..2 * (CHUNK + TAG)]).unwrap_err().to_string();
        assert!(cut.contains("cut off"), "{cut}");
        assert!(opened(&[whole.clone(), vec![0; 40]].concat()).is_err(), "something was added");
        assert!(Unsealer::new(&[8; 32], whole.as_slice()).unwrap().read(&mut [0; 10]).is_err(), "another key");
    }

    #[test]
    fn chunks_cannot_change_places() {
        let (_, whole) = sealed(3 * CHUNK);
        let size = CHUNK + TAG;
        let moved = [&whole[size..2 * size], &whole[..size], &whole[2 * size..]].concat();
        assert!(opened(&moved).is_err());
        let left_out = [&whole[..size], &whole[2 * size..]].concat();
        assert!(opened(&left_out).is_err());
    }
}
