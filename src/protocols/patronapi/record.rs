//! The answers' text: one `LABEL[tag]=value` a line, in the HTML that its clients cut at `<BR>`.

use crate::domain::{clock::Date, reason::Reason};

/// A patron's record, as little of it as there can be.
pub(super) struct Record {
    pub barcode: String,
    pub patron_type: String,
    /// The last day on which it holds.
    pub until: Date,
}

pub(super) enum Answer {
    Record(Record),
    NotFound(Reason),
    PinIsRight,
    PinIsWrong(Reason),
}

impl Record {
    pub fn fields(&self) -> [(&'static str, String); 4] {
        [
            ("P BARCODE[pb]", plain(&self.barcode)),
            ("P TYPE[p47]", plain(&self.patron_type)),
            ("EXP DATE[p43]", short(self.until)),
            ("MBLOCK[p56]", "-".to_owned()),
        ]
    }
}

impl Answer {
    pub fn text(&self) -> String {
        let lines: Vec<(&str, String)> = match self {
            Answer::Record(record) => record.fields().into(),
            Answer::NotFound(reason) => {
                vec![("ERRNUM", "1".into()), ("ERRMSG", format!("Requested record not found ({})", reason.code()))]
            }
            Answer::PinIsRight => vec![("RETCOD", "0".into())],
            Answer::PinIsWrong(reason) => vec![
                ("RETCOD", "1".into()),
                ("ERRNUM", "4".into()),
                ("ERRMSG", format!("Invalid patron PIN ({})", reason.code())),
            ],
        };
        let lines: String = lines.into_iter().map(|(name, value)| format!("{name}={value}<BR>\n")).collect();
        format!("<HTML><BODY>\n{lines}</BODY></HTML>\n")
    }
}

/// `MM-DD-YY`.
fn short(day: Date) -> String {
    format!("{:02}-{:02}-{:02}", day.month(), day.day(), day.year().rem_euclid(100))
}

/// Nothing that could end a line or begin a mark.
fn plain(value: &str) -> String {
    value.chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>' | '&' | '"')).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_record_holds_four_lines_and_no_value_can_add_one() {
        let record = Record {
            barcode: "4417<BR>\nP TYPE[p47]=9".into(),
            patron_type: "2".into(),
            until: Date::new(2031, 6, 30).unwrap(),
        };
        insta::assert_snapshot!(Answer::Record(record).text(), @"
        <HTML><BODY>
        P BARCODE[pb]=4417BRP TYPE[p47]=9<BR>
        P TYPE[p47]=2<BR>
        EXP DATE[p43]=06-30-31<BR>
        MBLOCK[p56]=-<BR>
        </BODY></HTML>
        ");
    }

    #[test]
    fn a_pin_is_right_or_wrong_with_a_reason() {
        assert_eq!(Answer::PinIsRight.text(), "<HTML><BODY>\nRETCOD=0<BR>\n</BODY></HTML>\n");
        assert!(Answer::PinIsWrong(Reason::SignInFailed).text().contains("RETCOD=1<BR>\nERRNUM=4<BR>\n"));
        assert!(Answer::NotFound(Reason::SignInFailed).text().contains("ERRNUM=1<BR>\n"));
    }

    proptest! {
        #[test]
        fn no_value_adds_a_line_or_a_mark(barcode in ".*", patron_type in ".*") {
            let until = Date::new(2031, 6, 30).unwrap();
            let text = Answer::Record(Record { barcode, patron_type, until }).text();
            prop_assert_eq!(text.lines().count(), 6);
            prop_assert_eq!(text.matches('<').count(), 8);
        }
    }
}
