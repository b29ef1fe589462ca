//! Sockets: plain and TLS, many at a time, none of them able to hold up another or to take memory without bound.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener as Bound},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;

use super::{Desk, NAME, conversation::Conversation};
use crate::{
    protocols::{Listener, Stop, tls},
    telemetry::metrics::Stay,
    wire::sip2::Framer,
};

/// A TLS handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Whoever connects says within this time who it is.
const LOGIN_WITHIN: Duration = Duration::from_secs(30);
/// A message that has begun is whole within this time, however slowly its sender is.
const LINE_WITHIN: Duration = Duration::from_secs(20);
/// The same where the server is leaving.
const LINE_WITHIN_AT_THE_END: Duration = Duration::from_secs(3);
/// An answer is taken within this time.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
/// Where no connection can be taken, and nobody hangs up meanwhile, it is tried again after this time.
const BREATH: Duration = Duration::from_millis(50);
/// Bytes read at once; most messages are shorter.
const CHUNK: usize = 512;

/// Takes the addresses of `[sip2]`.
///
/// # Errors
/// A sentence on what cannot be had.
pub(super) fn bind(desk: &Desk) -> Result<Vec<Listener>, String> {
    let settings = &desk.app().config.sip2;
    let room = Arc::new(Semaphore::new(settings.connections));
    if settings.listen.or(settings.tls_listen).is_some() {
        let metrics = &desk.app().metrics;
        metrics.sip2_open.at(&[], |_| ());
        metrics.sip2_limit.set(&[], u32::try_from(settings.connections).map_or(f64::MAX, f64::from));
    }
    let mut listeners = Vec::new();
    if let Some(address) = settings.listen {
        listeners.push(listener(address, door(desk, None, room.clone()))?);
    }
    if let Some(address) = settings.tls_listen {
        let files = settings.tls.as_ref().or(desk.app().config.tls.as_ref());
        let files = files.ok_or("[sip2] tls_listen needs a certificate and its key, there or in [tls]")?;
        let acceptor = TlsAcceptor::from(tls::renewing("SIP2", &files.certificate, &files.key, &[])?);
        listeners.push(listener(address, door(desk, Some(acceptor), room))?);
    }
    Ok(listeners)
}

/// One at `address`, which takes everybody for a vendor's server at `from`: for trials.
///
/// # Errors
/// As `bind`.
pub(super) fn at(desk: &Desk, address: SocketAddr, from: IpAddr) -> Result<Listener, String> {
    listener(address, Door { from: Some(from), ..door(desk, None, Arc::new(Semaphore::new(1))) })
}

fn door(desk: &Desk, tls: Option<TlsAcceptor>, room: Arc<Semaphore>) -> Door {
    Door { desk: desk.clone(), tls, room, from: None }
}

fn listener(address: SocketAddr, door: Door) -> Result<Listener, String> {
    let failed = |error: io::Error| format!("SIP2 cannot listen on {address}: {error}");
    let bound = Bound::bind(address).map_err(failed)?;
    bound.set_nonblocking(true).map_err(failed)?;
    let address = bound.local_addr().map_err(failed)?;
    let bound = TcpListener::from_std(bound).map_err(failed)?;
    let secure = door.tls.is_some();
    Ok(Listener { protocol: NAME, address, secure, run: Box::new(|stop| Box::pin(door.stand_at(bound, stop))) })
}

struct Door {
    desk: Desk,
    tls: Option<TlsAcceptor>,
    room: Arc<Semaphore>,
    /// Where everybody is taken to come from.
    from: Option<IpAddr>,
}

impl Door {
    /// Until told to stop; then conversations end between two messages.
    async fn stand_at(self, bound: TcpListener, mut stop: Stop) {
        let mut conversations = JoinSet::new();
        let mut full = false;
        loop {
            let arrived = tokio::select! {
                arrived = bound.accept() => arrived,
                Some(_) = conversations.join_next(), if !conversations.is_empty() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, peer) = match arrived {
                Ok(arrived) => arrived,
                Err(error) => {
                    // Out of file descriptors, mostly: somebody must hang up first.
                    tracing::warn!(%error, "SIP2: a connection cannot be taken");
                    timeout(BREATH, hung_up(&mut conversations)).await.ok();
                    continue;
                }
            };
            let metrics = &self.desk.app().metrics;
            let Ok(place) = self.room.clone().try_acquire_owned() else {
                metrics.sip2_connections.count(&["full"]);
                if !full {
                    tracing::warn!("SIP2: as many connections as [sip2] connections allows; others are turned away");
                }
                full = true;
                continue;
            };
            full = false;
            let conversation = Conversation::new(self.desk.clone(), self.from.unwrap_or(peer.ip()));
            if !conversation.is_welcome() {
                metrics.sip2_connections.count(&["unwelcome"]);
                tracing::warn!(peer = %peer.ip(), "SIP2: no vendor may ask from there; hung up");
                continue;
            }
            metrics.sip2_connections.count(&["taken"]);
            let stay = Stay::of(metrics, |metrics| &metrics.sip2_open);
            let (tls, stop) = (self.tls.clone(), stop.clone());
            conversations.spawn(async move {
                let ended = greet(stream, tls, conversation, stop).await;
                if let Err(error) = ended {
                    tracing::debug!(peer = %peer.ip(), %error, "SIP2: a connection ended");
                }
                drop((place, stay));
            });
        }
        drop(bound);
        while conversations.join_next().await.is_some() {}
    }
}

/// Waits until a conversation is over; for ever, where there is none.
async fn hung_up(conversations: &mut JoinSet<()>) {
    if conversations.join_next().await.is_none() {
        std::future::pending().await
    }
}

async fn greet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    conversation: Conversation,
    mut stop: Stop,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let Some(acceptor) = tls else { return talk(stream, conversation, stop).await };
    let peer = conversation.peer;
    let shaken = tokio::select! {
        shaken = timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
        _ = stop.wait_for(|stop| *stop) => return Ok(()),
    };
    match shaken {
        Ok(Ok(stream)) => talk(stream, conversation, stop).await,
        Ok(Err(error)) => {
            tracing::warn!(%peer, %error, "SIP2: no TLS");
            Ok(())
        }
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut conversation: Conversation,
    mut stop: Stop,
) -> io::Result<()> {
    let idle = conversation.desk.app().config.sip2.idle;
    let login_until = Instant::now() + LOGIN_WITHIN;
    let mut framer = Framer::new();
    // While a message has begun and not come to its end.
    let mut line_until = None;
    let mut line_within = LINE_WITHIN;
    loop {
        let until = match line_until {
            Some(until) => until,
            None if conversation.has_party() => Instant::now() + idle,
            None => login_until,
        };
        let mut chunk = [0; CHUNK];
        let read = tokio::select! {
            read = timeout_at(until, stream.read(&mut chunk)) => read,
            _ = stop.wait_for(|stop| *stop), if line_until.is_none() || line_within == LINE_WITHIN => {
                let Some(until) = line_until else { break };
                line_within = LINE_WITHIN_AT_THE_END;
                line_until = Some(until.min(Instant::now() + line_within));
                continue;
            }
        };
        let Ok(read) = read else {
            let what = if line_until.is_some() { "a message did not come to its end" } else { "nothing was said" };
            tracing::info!(peer = %conversation.peer, "SIP2: {what} in time; hung up");
            break;
        };
        let read = read?;
        if read == 0 {
            break;
        }
        framer.push(chunk.get(..read).unwrap_or_default());
        while let Some(line) = framer.next_line() {
            line_until = None;
            let Ok(line) = line else {
                tracing::warn!(peer = %conversation.peer, "SIP2: a message without end; hung up");
                return hang_up(stream).await;
            };
            let said = conversation.answer(line).await;
            // In one piece: some vendors read once and take that for the whole answer.
            timeout(WRITE_WITHIN, async {
                stream.write_all(&said.bytes).await?;
                stream.flush().await
            })
            .await??;
            if said.hang_up {
                return hang_up(stream).await;
            }
        }
        line_until = framer.is_midline().then(|| line_until.unwrap_or_else(|| Instant::now() + line_within));
    }
    hang_up(stream).await
}

/// TLS has a last word, which whoever reads nothing does not take.
async fn hang_up(mut stream: impl AsyncWrite + Unpin) -> io::Result<()> {
    timeout(WRITE_WITHIN, stream.shutdown()).await?
}
