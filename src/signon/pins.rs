//! Argon2id over keyed PINs, on a bounded pool: as many threads as cores, each with its own memory, reused.
//! A full queue is a `Fault::Busy`, never a longer and longer wait.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Instant,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::rand;
use subtle::ConstantTimeEq;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::Fault;
use crate::{
    domain::pin::KeyedPin,
    telemetry::{Metrics, metrics::Stay},
};

/// 19 MiB, two passes, one lane: OWASP's first choice for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What a chosen PIN is stored as: `argon2id$19456$2$1$SALT$HASH`, salt and hash in hex.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Verifier {
    salt: [u8; 16],
    hash: [u8; 32],
}

impl Verifier {
    fn read(text: &str) -> Option<Verifier> {
        let rest = text.strip_prefix("argon2id$19456$2$1$")?;
        let (salt, hash) = rest.split_once('$')?;
        let mut verifier = Verifier { salt: [0; 16], hash: [0; 32] };
        hex::decode_to_slice(salt, &mut verifier.salt).ok()?;
        hex::decode_to_slice(hash, &mut verifier.hash).ok()?;
        Some(verifier)
    }

    fn write(&self) -> String {
        format!("argon2id${MEMORY_KIB}${PASSES}${LANES}${}${}", hex::encode(self.salt), hex::encode(self.hash))
    }
}

struct Job {
    pin: [u8; 32],
    salt: [u8; 16],
    done: oneshot::Sender<Option<[u8; 32]>>,
    since: Instant,
    /// It waits, or is worked at.
    stay: Stay,
}

/// The handle of the pool; cheap to clone. The threads end when the last handle is dropped.
#[derive(Clone)]
pub struct PinPool {
    send: SyncSender<Job>,
    hashed: Arc<AtomicU64>,
    metrics: Arc<Metrics>,
}

impl PinPool {
    /// # Errors
    /// `Broken` where the machine gives no thread.
    pub fn start(threads: usize, queue: usize) -> Result<PinPool, Fault> {
        PinPool::measured(threads, queue, Arc::default())
    }

    /// The same, with its work measured.
    ///
    /// # Errors
    /// As `start`.
    #[expect(clippy::cast_precision_loss, reason = "Prometheus's numbers are floats")]
    pub fn measured(threads: usize, queue: usize, metrics: Arc<Metrics>) -> Result<PinPool, Fault> {
        metrics.hash_queue_limit.set(&[], (queue.max(1) + threads.max(1)) as f64);
        metrics.hash_queue.at(&[], |_| ());
        metrics.hash_refused.at(&[], |_| ());
        let (send, receive) = sync_channel(queue.max(1));
        let receive = Arc::new(Mutex::new(receive));
        for number in 0..threads.max(1) {
            let (receive, metrics) = (receive.clone(), metrics.clone());
            std::thread::Builder::new()
                .name(format!("pin-{number}"))
                .spawn(move || work(&receive, &metrics))
                .map_err(|error| Fault::Broken(format!("no thread for PIN checks: {error}")))?;
        }
        Ok(PinPool { send, hashed: Arc::default(), metrics })
    }

    /// How many PINs were hashed so far: what a check costs, counted instead of timed.
    pub fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }

    /// The verifier to keep for a PIN that its patron chose.
    ///
    /// # Errors
    /// `Busy` where too many wait already.
    pub async fn verifier(&self, pin: &KeyedPin) -> Result<String, Fault> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| Fault::Broken("no randomness".into()))?;
        let hash = self.hash(pin, salt).await?;
        Ok(Verifier { salt, hash }.write())
    }

    /// Whether the PIN is the one that `verifier` was made of. Costs one Argon2id whatever the answer, and also
    /// where there is no verifier at all.
    ///
    /// # Errors
    /// `Busy` where too many wait already.
    pub async fn matches(&self, pin: &KeyedPin, verifier: Option<&str>) -> Result<bool, Fault> {
        let known = verifier.and_then(Verifier::read);
        let salt = known.as_ref().map_or([0; 16], |verifier| verifier.salt);
        let hash = self.hash(pin, salt).await?;
        Ok(known.is_some_and(|verifier| bool::from(verifier.hash.ct_eq(&hash))))
    }

    async fn hash(&self, pin: &KeyedPin, salt: [u8; 16]) -> Result<[u8; 32], Fault> {
        let (done, answer) = oneshot::channel();
        let stay = Stay::of(&self.metrics, |metrics| &metrics.hash_queue);
        let job = Job { pin: pin.0, salt, done, since: Instant::now(), stay };
        self.send.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                self.metrics.hash_refused.count(&[]);
                Fault::Busy { retry_after: 2 }
            }
            TrySendError::Disconnected(_) => Fault::Broken("the PIN pool has ended".into()),
        })?;
        let hash = answer
            .instrument(tracing::debug_span!("pin.hash"))
            .await
            .ok()
            .flatten()
            .ok_or_else(|| Fault::Broken("a PIN check failed".into()))?;
        self.hashed.fetch_add(1, Ordering::Relaxed);
        Ok(hash)
    }
}

fn work(receive: &Mutex<Receiver<Job>>, metrics: &Metrics) {
    let Ok(params) = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)) else { return };
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    // Made at the first check and kept: fresh memory each time costs more than the hash itself on a busy day.
    let mut memory: Vec<Block> = Vec::new();
    loop {
        let job = match receive.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        metrics.hash_wait.observe(&[], job.since.elapsed());
        let began = Instant::now();
        memory.resize(argon.params().block_count(), Block::default());
        let mut out = [0; 32];
        let hashed = argon.hash_password_into_with_memory(&job.pin, &job.salt, &mut out, memory.as_mut_slice());
        metrics.hash_run.observe(&[], began.elapsed());
        drop(job.stay);
        job.done.send(hashed.ok().map(|()| out)).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{id::PatronId, pin::PinKey};

    #[tokio::test]
    async fn a_pin_matches_its_own_verifier_and_no_other() {
        let pool = PinPool::start(1, 4).unwrap();
        let (key, mira) = (PinKey::new(b"a key"), PatronId::new());
        let verifier = pool.verifier(&key.keyed(mira, "739150")).await.unwrap();
        assert!(pool.matches(&key.keyed(mira, " 739150 "), Some(&verifier)).await.unwrap());
        assert!(!pool.matches(&key.keyed(mira, "739151"), Some(&verifier)).await.unwrap());
        assert!(!pool.matches(&key.keyed(PatronId::new(), "739150"), Some(&verifier)).await.unwrap());
        assert!(!pool.matches(&key.keyed(mira, "739150"), None).await.unwrap());
        assert!(!pool.matches(&key.keyed(mira, "739150"), Some("argon2id$1$1$1$00$00")).await.unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_says_so_instead_of_waiting() {
        let pool = PinPool::start(1, 1).unwrap();
        let pin = PinKey::new(b"a key").keyed(PatronId::new(), "739150");
        let tries: Vec<_> = (0..16)
            .map(|_| {
                let (pool, pin) = (pool.clone(), pin.clone());
                tokio::spawn(async move { pool.matches(&pin, None).await })
            })
            .collect();
        let mut busy = 0;
        for one in tries {
            busy += usize::from(matches!(one.await.unwrap(), Err(Fault::Busy { .. })));
        }
        assert!(busy > 0, "sixteen checks at once fitted into a queue of one");
    }
}
