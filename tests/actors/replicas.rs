//! A library that two processes serve, over one PostgreSQL and one Redis, behind a balancer that sends connections where
//! the test wants them.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{Browser, Delivery, Engine, Library, Person, parts::free_port, process::Process, redis::Redis};

pub struct Replicas {
    pub library: Library,
    pub redis: Redis,
    balancer: Arc<Mutex<Balancer>>,
    _second: Process,
}

struct Balancer {
    replicas: [String; 2],
    only: Option<usize>,
    turn: usize,
    open: Vec<TcpStream>,
}

impl Replicas {
    /// Both running and ready, with these people in the roster. `lines` stand in the configuration's settings. `None` where
    /// PostgreSQL or Redis are absent.
    pub fn with(people: &[Person], lines: &str) -> Option<Replicas> {
        let redis = Redis::running()?;
        let front = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", front.local_addr().unwrap());
        let lines = format!("shelf = \"{}\"\n{lines}", redis.url());
        let library = Library::founded_at(Engine::Postgres, Some(&issuer), &lines)?;
        library.import(&Delivery::of(people), &[]).fine();
        let listen = format!("127.0.0.1:{}", free_port());
        let second = library.another("second", &listen);
        let replicas = [library.listen.clone(), listen];
        let balancer = Arc::new(Mutex::new(Balancer { replicas, only: None, turn: 0, open: Vec::new() }));
        thread::spawn({
            let balancer = balancer.clone();
            move || front.incoming().flatten().for_each(|client| carry(&balancer, client))
        });
        Some(Replicas { library, redis, balancer, _second: second })
    }

    /// From now on this replica alone is asked, 0 or 1; connections to the other end.
    pub fn only(&self, replica: usize) {
        self.send_to(Some(replica));
    }

    /// From now on both are asked in turn.
    pub fn both(&self) {
        self.send_to(None);
    }

    fn send_to(&self, only: Option<usize>) {
        let ended: Vec<TcpStream> = {
            let mut balancer = self.balancer.lock().unwrap();
            balancer.only = only;
            balancer.open.drain(..).collect()
        };
        for client in &ended {
            let _ = client.shutdown(Shutdown::Write);
        }
        // Until whoever keeps one for later has noticed: a request must not go into a connection that is over.
        let give_up = Instant::now() + Duration::from_secs(10);
        while Instant::now() < give_up && ended.iter().any(is_open) {
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Has both open as many connections to the database as they may: in a debug build each takes long, and 64 who come at
    /// once would be told that the database is away.
    pub async fn warm(&self) {
        let addresses = self.balancer.lock().unwrap().replicas.clone();
        let all_are_ready = async || {
            let asking: JoinSet<(u16, String)> = (0..64).map(|n| readiness(addresses[n % 2].clone())).collect();
            asking.join_all().await.iter().all(|(status, _)| *status == 200)
        };
        while !all_are_ready().await {}
    }

    /// Status and body of each replica's readiness.
    pub async fn ready(&self) -> [(u16, String); 2] {
        let [one, other] = self.balancer.lock().unwrap().replicas.clone();
        [readiness(one).await, readiness(other).await]
    }
}

async fn readiness(at: String) -> (u16, String) {
    let page = Browser::new().get(format!("http://{at}/health/ready")).await;
    (page.status.as_u16(), page.body)
}

/// Whether the other side has not closed it.
fn is_open(client: &TcpStream) -> bool {
    client.set_nonblocking(true).is_ok()
        && match client.peek(&mut [0]) {
            Ok(waiting) => waiting > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
}

fn carry(balancer: &Mutex<Balancer>, client: TcpStream) {
    let server = {
        let mut balancer = balancer.lock().unwrap();
        balancer.turn += 1;
        let at = balancer.only.unwrap_or(balancer.turn % 2);
        let Ok(server) = TcpStream::connect(&balancer.replicas[at]) else { return };
        balancer.open.extend(client.try_clone());
        server
    };
    join(client, server);
}

/// What one says goes to the other, both ways, until both have ended.
pub(super) fn join(client: TcpStream, server: TcpStream) {
    let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
    for (mut from, mut to) in ways.into_iter().filter_map(both) {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

fn both((one, other): (io::Result<TcpStream>, io::Result<TcpStream>)) -> Option<(TcpStream, TcpStream)> {
    Some((one.ok()?, other.ok()?))
}
