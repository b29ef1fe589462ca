//! What holds at the doors of SIP2, plain and TLS: nobody who knocks wrongly holds up another, and the server can leave.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    actors::{Delivery, Doors, Person, Sip2, with_trailer},
    promise,
};

const PASSWORD: &str = "a-password-of-a-fictional-vendor";
const PATIENCE: Duration = Duration::from_secs(30);

promise! { founded, async fn who_speaks_no_tls_at_its_door_is_hung_up_on_and_holds_nobody_up(library) {
    let pupil = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&pupil)), &[]).fine();
    let doors = Doors::open(&mut library, PASSWORD, "");

    // Some say nothing at all, some begin a handshake that never goes on.
    let mut silent = Vec::new();
    for n in 0..100 {
        let mut one = TcpStream::connect(doors.tls).await.unwrap();
        if n % 2 == 0 {
            one.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01").await.unwrap();
        }
        silent.push(one);
    }
    let mut plain = TcpStream::connect(doors.tls).await.unwrap();
    plain.write_all(format!("9300CNshelf|CO{PASSWORD}|\r").as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut heard)).await.expect("it is hung up on");
    assert!(!heard.windows(2).any(|two| two == b"94"), "no login in clear: {heard:?}");

    let card = pupil.card();
    for mut vendor in [doors.secure().await, Sip2::connect(doors.plain).await] {
        assert_eq!(vendor.log_in("shelf", PASSWORD).await, "941");
        let found = timeout(PATIENCE, vendor.information(&card.card, Some(&card.pin))).await.expect("an answer");
        assert_eq!(found.verdict(), (Some("Y"), Some("Y")));
    }
}}

promise! { founded, async fn more_connections_than_the_library_allows_are_turned_away_until_one_ends(library) {
    let doors = Doors::open(&mut library, PASSWORD, "connections = 2");
    let mut first = Sip2::connect(doors.plain).await;
    let mut second = doors.secure().await;
    assert_eq!(first.log_in("shelf", PASSWORD).await, "941");
    assert_eq!(second.log_in("shelf", PASSWORD).await, "941");
    let mut third = TcpStream::connect(doors.plain).await.unwrap();
    let read = timeout(PATIENCE, third.read(&mut [0; 8])).await.expect("it is hung up on");
    assert!(!read.is_ok_and(|read| read > 0));
    drop(first);
    let answered = || async {
        let mut one = Sip2::connect(doors.plain).await;
        one.send(b"9900802.00\r").await;
        one.answer().await.is_some()
    };
    library.soon("there is room again", answered).await;
}}

promise! { founded, async fn the_server_leaves_soon_and_between_two_messages(library) {
    let pupil = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&pupil)), &[]).fine();
    let doors = Doors::open(&mut library, PASSWORD, "");
    let mut vendors = Vec::new();
    for _ in 0..2 {
        vendors.push(Sip2::connect(doors.plain).await);
        vendors.push(doors.secure().await);
    }
    for vendor in &mut vendors {
        assert_eq!(vendor.log_in("shelf", PASSWORD).await, "941");
    }
    let [mut idle, mut idle_too, mut slow, mut stalled] = <[Sip2; 4]>::try_from(vendors).ok().unwrap();
    let card = pupil.card();
    let question = format!("63001{}          AOx|AA{}|AD{}|", "20261127    081500", card.card, card.pin);
    let question = format!("{}\r", with_trailer(&question, 1));
    let (begun, rest) = question.split_at(40);
    slow.send(begun.as_bytes()).await;
    stalled.send(begun.as_bytes()).await;
    let unshaken = TcpStream::connect(doors.tls).await.unwrap();
    // What was begun has been read once somebody who came later is answered.
    assert_eq!(Sip2::connect(doors.plain).await.log_in("shelf", PASSWORD).await, "941");

    let leaving = tokio::task::spawn_blocking(move || library.stop());
    assert_eq!(idle.answer().await, None, "an idle vendor is hung up on");
    assert_eq!(idle_too.answer().await, None, "over TLS, too");
    slow.send(rest.as_bytes()).await;
    let answer = slow.answer().await.expect("what was being said is answered");
    assert_eq!(answer.verdict(), (Some("Y"), Some("Y")));
    assert_eq!(slow.answer().await, None);
    assert_eq!(stalled.answer().await, None, "nobody is waited for long");
    let took = leaving.await.unwrap();
    assert!(took < Duration::from_secs(12), "{took:?}");
    drop(unshaken);
}}
