//! What a backup says, inside its seal: for each table its name and columns, its rows, and how many they were; and at
//! last that this was all.

use std::io::{self, Read, Write};

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use super::Counted;
use crate::store::backup::{Row, Table, Value};

/// No record is longer; a row holds at most what a roster says of one class or one tree of schools.
const LONGEST: u32 = 256 * 1024 * 1024;

#[derive(Debug, PartialEq)]
pub enum Record {
    Table(Table),
    Row(Row),
    /// The table is over.
    End(Counted),
    Close(Total),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub tables: u64,
    pub rows: u64,
}

const TABLE: u8 = b'T';
const ROW: u8 = b'R';
const END: u8 = b'E';
const CLOSE: u8 = b'Z';

fn put(out: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::other("a row is too long for a backup"))?;
    out.write_all(&[tag])?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(body)
}

fn json(out: &mut impl Write, tag: u8, told: &impl Serialize) -> io::Result<()> {
    put(out, tag, &serde_json::to_vec(told)?)
}

pub fn put_table(out: &mut impl Write, table: &Table) -> io::Result<()> {
    json(out, TABLE, table)
}

/// `row` as `encode` made it.
pub fn put_row(out: &mut impl Write, row: &[u8]) -> io::Result<()> {
    put(out, ROW, row)
}

pub fn put_end(out: &mut impl Write, counted: &Counted) -> io::Result<()> {
    json(out, END, counted)
}

pub fn put_close(out: &mut impl Write, total: Total) -> io::Result<()> {
    json(out, CLOSE, &total)
}

const NULL: u8 = 0;
const TEXT: u8 = 1;
const NUMBER: u8 = 2;
const FALSE: u8 = 3;
const TRUE: u8 = 4;

/// A row's bytes, in the place of what `bytes` held.
pub fn encode(row: &[Value], bytes: &mut Vec<u8>) {
    bytes.clear();
    for value in row {
        match value {
            Value::Null => bytes.push(NULL),
            Value::Text(text) => {
                bytes.push(TEXT);
                // What is longer than a record is refused by `put`.
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            Value::Number(number) => {
                bytes.push(NUMBER);
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            Value::Flag(flag) => bytes.push(if *flag { TRUE } else { FALSE }),
        }
    }
}

fn decode(mut bytes: &[u8]) -> Option<Row> {
    let mut row = Row::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (value, rest) = match *tag {
            NULL => (Value::Null, rest),
            FALSE => (Value::Flag(false), rest),
            TRUE => (Value::Flag(true), rest),
            NUMBER => {
                let (number, rest) = rest.split_first_chunk::<8>()?;
                (Value::Number(i64::from_be_bytes(*number)), rest)
            }
            TEXT => {
                let (length, rest) = rest.split_first_chunk::<4>()?;
                let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
                (Value::Text(String::from_utf8(text.to_vec()).ok()?), rest)
            }
            _ => return None,
        };
        row.push(value);
        bytes = rest;
    }
    Some(row)
}

/// The next record.
///
/// # Errors
/// Where the stream ends before `Close`, or holds what no release writes.
pub fn next(from: &mut impl Read) -> io::Result<Record> {
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "it holds what no release of oneaccess writes");
    let (mut tag, mut length) = ([0; 1], [0; 4]);
    from.read_exact(&mut tag)?;
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(strange());
    }
    let mut body = Vec::new();
    if from.take(u64::from(length)).read_to_end(&mut body)? as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(match tag {
        [TABLE] => Record::Table(serde_json::from_slice(&body)?),
        [ROW] => Record::Row(decode(&body).ok_or_else(strange)?),
        [END] => Record::End(serde_json::from_slice(&body)?),
        [CLOSE] => Record::Close(serde_json::from_slice(&body)?),
        _ => return Err(strange()),
    })
}

/// Counts a table's rows. The sum of their digests does not depend on their order.
#[derive(Debug, Default)]
pub struct Sum {
    rows: u64,
    digests: [u64; 4],
}

impl Sum {
    pub fn add(&mut self, row: &[u8]) {
        self.rows += 1;
        let mut carry = false;
        let digest = digest(&SHA256, row);
        for (place, part) in self.digests.iter_mut().zip(digest.as_ref().chunks_exact(8)) {
            let part = part.try_into().map_or(0, u64::from_le_bytes);
            let (sum, over) = place.overflowing_add(part);
            let (sum, over_again) = sum.overflowing_add(u64::from(carry));
            *place = sum;
            carry = over || over_again;
        }
    }

    pub fn of(&self, table: &str) -> Counted {
        let checksum: String = self.digests.iter().map(|part| hex::encode(part.to_le_bytes())).collect();
        Counted { table: table.to_owned(), rows: self.rows, checksum }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            ".{0,40}".prop_map(Value::Text),
            any::<i64>().prop_map(Value::Number),
            any::<bool>().prop_map(Value::Flag),
        ]
    }

    proptest! {
        #[test]
        fn every_row_is_read_as_it_was_written(row in prop::collection::vec(value(), 0..20)) {
            let (mut bytes, mut out) = (Vec::new(), Vec::new());
            encode(&row, &mut bytes);
            put_row(&mut out, &bytes).unwrap();
            prop_assert_eq!(next(&mut out.as_slice()).unwrap(), Record::Row(row));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = next(&mut bytes.as_slice());
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_checksum_asks_for_the_rows_and_not_for_their_order() {
        let sum = |rows: &[&str]| {
            let mut sum = Sum::default();
            rows.iter().for_each(|row| sum.add(row.as_bytes()));
            sum.of("t")
        };
        assert_eq!(sum(&["a", "b", "c"]), sum(&["c", "a", "b"]));
        assert_ne!(sum(&["a", "b", "c"]).checksum, sum(&["a", "b", "d"]).checksum);
        assert_ne!(sum(&["a", "a"]), sum(&["b", "b"]));
    }
}
