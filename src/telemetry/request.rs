//! A request's number: in each line that the log has of it, in its answer, and on the page of a reader for whom something
//! broke, so that a help desk finds the one by the other.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

tokio::task_local! {
    static CURRENT: Arc<str>;
}

/// Carries out `what` as the request of this number.
pub async fn within<F: Future>(number: Arc<str>, what: F) -> F::Output {
    CURRENT.scope(number, what).await
}

/// The number of the request that is being answered; a fresh one where there is none, as for a question by SIP2.
pub fn number() -> Arc<str> {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| fresh())
}

/// Twelve hex digits, to be read over the phone in three groups. Where they begin is chance, once for each process; from
/// there they go on in steps that come to each number once.
pub fn fresh() -> Arc<str> {
    /// Odd, so that none is left out, and large, so that neighbours look nothing alike.
    const STEP: u64 = 0x9e37_79b9_7f4b;
    const DIGITS: u64 = (1 << 48) - 1;
    static BEGIN: OnceLock<u64> = OnceLock::new();
    static REQUESTS: AtomicU64 = AtomicU64::new(0);
    let begin = BEGIN.get_or_init(|| {
        let mut bytes = [0; 8];
        // Without chance they begin at nothing, and are numbers still.
        let _ = aws_lc_rs::rand::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    });
    let steps = REQUESTS.fetch_add(1, Ordering::Relaxed).wrapping_mul(STEP);
    format!("{:012x}", begin.wrapping_add(steps) & DIGITS).into()
}

/// A number that somebody in front of us gave this request, where it is one: it comes into logs and pages as it is.
pub fn given(text: &str) -> Option<Arc<str>> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.';
    ((8..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_have_the_same_number() {
        let numbers: HashSet<Arc<str>> = (0..10_000).map(|_| fresh()).collect();
        assert_eq!(numbers.len(), 10_000);
        assert!(numbers.iter().all(|number| number.len() == 12), "{numbers:?}");
    }

    #[test]
    fn what_is_given_is_a_number_or_nothing() {
        for good in ["4f1c9a8e-2d7b-4a51-9a57-3b1b9d2f0c11", "1-67891233-abcdef", "a.b_c-d1"] {
            assert_eq!(given(good).as_deref(), Some(good));
        }
        for wrong in ["", "short", "with blank in it", "line\nbreak-0", "<script>alert(1)</script>", &"x".repeat(65)] {
            assert_eq!(given(wrong), None, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_number_is_its_own_request_s() {
        let one: Arc<str> = "0123456789ab".into();
        assert_eq!(within(one.clone(), async { number() }).await, one);
        assert_ne!(number(), one);
    }
}
