//! One keep-alive connection of one virtual user. The bytes belong to `http`, what to ask to the scenarios.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::http::{Answer, read_answer, write_request};

pub struct Connection {
    address: SocketAddr,
    host: String,
    stream: Option<TcpStream>,
    inbound: Vec<u8>,
    outbound: Vec<u8>,
    answer: Answer,
}

impl Connection {
    pub fn new(address: SocketAddr, host: &str) -> Connection {
        let (inbound, outbound) = (Vec::with_capacity(16 * 1024), Vec::with_capacity(4 * 1024));
        Connection { address, host: host.to_owned(), stream: None, inbound, outbound, answer: Answer::default() }
    }

    pub async fn get(&mut self, target: &str, headers: &[&str]) -> io::Result<&Answer> {
        self.exchange("GET", target, headers, None).await
    }

    pub async fn post(&mut self, target: &str, headers: &[&str], form: &[u8]) -> io::Result<&Answer> {
        self.exchange("POST", target, headers, Some(form)).await
    }

    async fn exchange(
        &mut self,
        method: &str,
        target: &str,
        headers: &[&str],
        body: Option<&[u8]>,
    ) -> io::Result<&Answer> {
        self.outbound.clear();
        write_request(&mut self.outbound, method, target, &self.host, headers, body);
        let kept = self.stream.is_some();
        if let Err(fault) = self.attempt().await {
            self.stream = None;
            // A server may close an idle connection at any time: then nothing was answered, and a new one is owed.
            if !kept || !self.inbound.is_empty() {
                return Err(fault);
            }
            self.attempt().await.inspect_err(|_| self.stream = None)?;
        }
        if self.answer.last {
            self.stream = None;
        }
        Ok(&self.answer)
    }

    async fn attempt(&mut self) -> io::Result<()> {
        self.inbound.clear();
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(&self.outbound).await?;
        loop {
            let ended = stream.read_buf(&mut self.inbound).await? == 0;
            match read_answer(&self.inbound, ended, &mut self.answer).map_err(io::Error::other)? {
                Some(_) => break,
                None if ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                None => {}
            }
        }
        self.stream = Some(stream);
        Ok(())
    }
}
