//! HTTP/1.1 as bytes: writes a request, reads an answer, knows nothing of sockets. The socket belongs to `connection`.
//! Only what a load generator needs, so that the generator costs the machine little.

use std::fmt;

const LONGEST_HEAD: usize = 64 * 1024;
const LONGEST_BODY: usize = 8 * 1024 * 1024;

/// Appends one request to `out`; `headers` are whole lines without their line ends.
pub fn write_request(out: &mut Vec<u8>, method: &str, target: &str, host: &str, headers: &[&str], body: Option<&[u8]>) {
    for part in [method, " ", target, " HTTP/1.1\r\nHost: ", host, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for header in headers {
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    if let Some(body) = body {
        let length = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n", body.len());
        out.extend_from_slice(length.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body.unwrap_or_default());
}

/// What of an answer the scenarios look at.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub set_cookies: Vec<String>,
    pub body: Vec<u8>,
    /// The server will close this connection.
    pub last: bool,
}

/// Reads one answer from the start of `bytes`: `None` while more must come, else how many bytes it took.
/// `ended` says that the server has closed, which is how an answer without a length ends (RFC 9112 section 6.3).
pub fn read_answer(bytes: &[u8], ended: bool, answer: &mut Answer) -> Result<Option<usize>, Malformed> {
    let Some(head_length) = find(bytes, b"\r\n\r\n") else {
        return if bytes.len() > LONGEST_HEAD { Err(Malformed("head too long")) } else { Ok(None) };
    };
    let (head, rest) = bytes.split_at(head_length + 4);
    let head = std::str::from_utf8(head).map_err(|_| Malformed("head is not UTF-8"))?;
    let framing = read_head(head, answer)?;
    if (100..200).contains(&answer.status) {
        return Ok(read_answer(rest, ended, answer)?.map(|taken| head.len() + taken));
    }
    answer.body.clear();
    let taken = match framing {
        _ if matches!(answer.status, 204 | 304) => Some(0),
        Framing::Chunked => read_chunks(rest, &mut answer.body)?,
        Framing::Length(length) if length > LONGEST_BODY => return Err(Malformed("body too long")),
        Framing::Length(length) => rest.get(..length).map(|body| {
            answer.body.extend_from_slice(body);
            length
        }),
        Framing::UntilClose => {
            answer.last = true;
            ended.then(|| {
                answer.body.extend_from_slice(rest);
                rest.len()
            })
        }
    };
    Ok(taken.map(|taken| head.len() + taken))
}

enum Framing {
    Length(usize),
    Chunked,
    UntilClose,
}

fn read_head(head: &str, answer: &mut Answer) -> Result<Framing, Malformed> {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let mut words = status_line.splitn(3, ' ');
    let version = words.next().unwrap_or_default();
    if !version.starts_with("HTTP/1.") {
        return Err(Malformed("not HTTP/1"));
    }
    answer.status = words.next().and_then(|word| word.parse().ok()).ok_or(Malformed("no status"))?;
    answer.last = version == "HTTP/1.0";
    answer.location = None;
    answer.set_cookies.clear();
    let mut framing = Framing::UntilClose;
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or(Malformed("header without a colon"))?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            if !matches!(framing, Framing::Chunked) {
                framing = Framing::Length(value.parse().map_err(|_| Malformed("length is not a number"))?);
            }
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(Malformed("unknown transfer coding"));
            }
            framing = Framing::Chunked;
        } else if name.eq_ignore_ascii_case("location") {
            answer.location = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("set-cookie") {
            answer.set_cookies.push(value.to_owned());
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            answer.last = true;
        }
    }
    Ok(framing)
}

/// RFC 9112 section 7.1; trailers are read and dropped.
fn read_chunks(bytes: &[u8], body: &mut Vec<u8>) -> Result<Option<usize>, Malformed> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(line_length) = find(rest, b"\r\n") else { return Ok(None) };
        let line = rest.get(..line_length).unwrap_or_default();
        let size = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(size).map_err(|_| Malformed("chunk size is not text"))?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| Malformed("chunk size is not a number"))?;
        if size > LONGEST_BODY || body.len() + size > LONGEST_BODY {
            return Err(Malformed("body too long"));
        }
        at += line_length + 2;
        if size == 0 {
            return Ok(end_of_trailers(bytes.get(at..).unwrap_or_default()).map(|length| at + length));
        }
        let Some(chunk) = bytes.get(at..at + size) else { return Ok(None) };
        match bytes.get(at + size..at + size + 2) {
            Some(b"\r\n") => body.extend_from_slice(chunk),
            Some(_) => return Err(Malformed("chunk longer than it says")),
            None => return Ok(None),
        }
        at += size + 2;
    }
}

fn end_of_trailers(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"\r\n") { Some(2) } else { find(bytes, b"\r\n\r\n").map(|at| at + 4) }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The server did not speak HTTP/1.1.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(&'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed answer: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<(usize, Answer)>, Malformed> {
        let mut answer = Answer::default();
        Ok(read_answer(text.as_bytes(), false, &mut answer)?.map(|taken| (taken, answer)))
    }

    #[test]
    fn an_answer_with_a_length_ends_there_and_leaves_the_next_one_alone() {
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 404";
        let (taken, answer) = read(text).unwrap().unwrap();
        assert_eq!((answer.status, answer.body.as_slice(), answer.last), (200, b"hello".as_slice(), false));
        assert_eq!(&text[taken..], "HTTP/1.1 404");
    }

    #[test]
    fn every_answer_may_arrive_byte_by_byte() {
        for whole in [
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nExpires: never\r\n\r\n",
            "HTTP/1.1 303 See Other\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        ] {
            for cut in 0..whole.len() {
                assert_eq!(read(&whole[..cut]).unwrap(), None, "cut at {cut} of {whole:?}");
            }
            assert_eq!(read(whole).unwrap().unwrap().0, whole.len(), "{whole:?}");
        }
    }

    #[test]
    fn chunks_are_joined() {
        let (_, answer) = read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            .unwrap()
            .unwrap();
        assert_eq!(answer.body, b"abcde");
    }

    #[test]
    fn a_redirect_brings_its_place_and_every_cookie() {
        let text = "HTTP/1.1 302 Found\r\nset-cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nlocation: /x?y=z\r\ncontent-length: 0\r\n\r\n";
        let (_, answer) = read(text).unwrap().unwrap();
        assert_eq!(answer.location.as_deref(), Some("/x?y=z"));
        assert_eq!(answer.set_cookies, ["a=1; Path=/", "b=2"]);
    }

    #[test]
    fn an_answer_without_a_length_ends_with_the_connection() {
        let bytes = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end";
        let mut answer = Answer::default();
        assert_eq!(read_answer(bytes, false, &mut answer), Ok(None));
        assert_eq!(read_answer(bytes, true, &mut answer), Ok(Some(bytes.len())));
        assert_eq!((answer.body.as_slice(), answer.last), (b"until the end".as_slice(), true));
    }

    #[test]
    fn what_is_not_http_is_refused() {
        for text in [
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        ] {
            assert!(read(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_request_says_its_host_and_the_length_of_its_body() {
        let mut out = Vec::new();
        write_request(&mut out, "POST", "/token", "127.0.0.1:1", &["Accept: */*"], Some(b"a=b"));
        let expected = "POST /token HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAccept: */*\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
