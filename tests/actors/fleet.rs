//! A library that any number of processes serve, each of which may be killed, leave and come back; and the one address in
//! front of them, which sends connections where somebody is ready, as a Service of Kubernetes does. What was sent to one
//! is never sent to another.

use std::{
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    Browser, Delivery, Engine, Library, Person, library::answers, parts::free_port, postgres::Postgres,
    process::Process, redis::Redis, replicas::join,
};

pub struct Fleet {
    pub library: Library,
    others: Vec<Process>,
    listens: Vec<String>,
    front: Arc<Front>,
    /// Where there are several.
    pub redis: Option<Redis>,
    /// Where it was wished for.
    pub postgres: Option<Postgres>,
}

/// What a fleet is made of.
pub struct Founding<'a> {
    pub engine: Engine,
    pub replicas: usize,
    /// Whether PostgreSQL is one of the fleet's own.
    pub own_postgres: bool,
    pub people: &'a [Person],
    /// More lines of settings.
    pub lines: &'a str,
    pub surroundings: Vec<(String, String)>,
}

impl Founding<'_> {
    pub fn of(engine: Engine, replicas: usize) -> Founding<'static> {
        Founding { engine, replicas, own_postgres: false, people: &[], lines: "", surroundings: Vec::new() }
    }
}

/// How often the front asks who is ready.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Fleet {
    /// All ready. `None` where a part is absent.
    pub fn founded(wish: &Founding<'_>) -> Option<Fleet> {
        let redis = if wish.replicas > 1 { Some(Redis::running()?) } else { None };
        let postgres = if wish.own_postgres { Some(Postgres::running()?) } else { None };
        let database = match &postgres {
            Some(postgres) => postgres.database(),
            None => wish.engine.database()?,
        };
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", door.local_addr().unwrap());
        let shelf = redis.as_ref().map(|redis| format!("shelf = \"{}\"\n", redis.url())).unwrap_or_default();
        let lines = format!("{shelf}{}", wish.lines);
        let library = Library::founded_on(database, Some(&issuer), &lines, wish.surroundings.clone());
        if !wish.people.is_empty() {
            library.import(&Delivery::of(wish.people), &[]).fine();
        }
        let mut listens = vec![library.listen.clone()];
        listens.extend((1..wish.replicas).map(|_| format!("127.0.0.1:{}", free_port())));
        let others = (1..wish.replicas).map(|n| library.another(&format!("replica-{n}"), &listens[n])).collect();
        let front = Front::open(door, &listens);
        Some(Fleet { library, others, listens, front, redis, postgres })
    }

    pub fn size(&self) -> usize {
        self.listens.len()
    }

    /// Without a chance to tidy up.
    pub fn kill(&mut self, replica: usize) {
        match replica {
            0 => self.library.kill(),
            n => self.others[n - 1].kill(),
        }
    }

    /// It is asked to end, and has.
    pub fn leave(&mut self, replica: usize) {
        match replica {
            0 => drop(self.library.stop()),
            n => self.others[n - 1].stop(),
        }
    }

    /// One that has ended starts again; ready, and known to be by the front.
    pub fn begin(&mut self, replica: usize) {
        match replica {
            0 => self.library.start_again(),
            n => self.others[n - 1] = self.library.another(&format!("replica-{n}"), &self.listens[n]),
        }
        while !self.front.backends[replica].ready.load(Ordering::SeqCst) {
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Status and words of each one's readiness.
    pub async fn ready(&self) -> Vec<(u16, String)> {
        let mut all = Vec::new();
        for at in &self.listens {
            let page = Browser::through_a_proxy().get(format!("http://{at}/health/ready")).await;
            all.push((page.status.as_u16(), page.body));
        }
        all
    }

    pub async fn are_ready(&self) -> bool {
        self.ready().await.iter().all(|(status, _)| *status == 200)
    }

    /// Has each open as many connections to the database as it may: in a debug build each takes long, and 64 who come at
    /// once would be told that the database is away.
    pub async fn warm(&self) {
        let all_are_ready = async || {
            let mut asking = JoinSet::new();
            for n in 0..96 {
                let at = self.listens[n % self.listens.len()].clone();
                asking
                    .spawn(async move { Browser::new().get(format!("http://{at}/health/ready")).await.status == 200 });
            }
            asking.join_all().await.into_iter().all(|ready| ready)
        };
        while !all_are_ready().await {}
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.front.over.store(true, Ordering::SeqCst);
        if let Some(postgres) = &self.postgres {
            postgres.go_on();
        }
    }
}

struct Front {
    backends: Vec<Backend>,
    turn: AtomicUsize,
    over: AtomicBool,
}

struct Backend {
    at: String,
    ready: AtomicBool,
}

impl Front {
    fn open(door: TcpListener, listens: &[String]) -> Arc<Front> {
        let backends = listens.iter().map(|at| Backend { at: at.clone(), ready: AtomicBool::new(true) }).collect();
        let front = Arc::new(Front { backends, turn: AtomicUsize::new(0), over: AtomicBool::new(false) });
        for n in 0..listens.len() {
            let front = front.clone();
            thread::spawn(move || {
                while !front.over.load(Ordering::SeqCst) {
                    let backend = &front.backends[n];
                    backend.ready.store(answers(&backend.at), Ordering::SeqCst);
                    thread::sleep(LOOK_EVERY);
                }
            });
        }
        thread::spawn({
            let front = front.clone();
            move || {
                for client in door.incoming().flatten() {
                    let front = front.clone();
                    thread::spawn(move || {
                        if let Some(server) = front.reach() {
                            join(client, server);
                        }
                    });
                }
            }
        });
        front
    }

    /// Somebody who is ready, in turn. Where nobody is, whoever takes a connection: they know what to say.
    fn reach(&self) -> Option<TcpStream> {
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        let count = self.backends.len();
        let in_turn = || (0..count).map(|n| &self.backends[(turn + n) % count]);
        let ready = in_turn().filter(|backend| backend.ready.load(Ordering::SeqCst));
        ready.chain(in_turn()).find_map(|backend| TcpStream::connect(&backend.at).ok())
    }
}
