//! Requests that a library of a protocol has composed: it says what is asked, this says where it may go.

use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use tokio::time::timeout;
use url::{Position, Url};

use super::{Asked, Outbound, Refused, answer, connect, server_name};

impl Outbound {
    /// Sends `request` as it stands; the answer whatever its status, with up to `most` bytes of its body. A redirect is no
    /// answer.
    ///
    /// # Errors
    /// `Refused`, with nothing to use.
    pub async fn send(
        &self,
        request: Request<Vec<u8>>,
        most: usize,
        within: Duration,
    ) -> Result<Response<Bytes>, Refused> {
        timeout(within, self.sent(request, most)).await.map_err(|_| Refused::TimedOut)?
    }

    async fn sent(&self, request: Request<Vec<u8>>, most: usize) -> Result<Response<Bytes>, Refused> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Refused::NotAUrl)?;
        let addresses = self.destination(&url).await?;
        let (mut parts, body) = request.into_parts();
        parts.uri = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| Refused::NotAUrl)?;
        Asked::dress(&mut parts.headers, &url)?;
        let request = Request::from_parts(parts, Full::from(body));
        let stream = connect(&addresses).await?;
        let (status, headers, body) = if url.scheme() == "http" {
            answer(stream, request, most, true).await?
        } else {
            let stream = self.tls.connect(server_name(&url)?, stream).await.map_err(|e| Refused::Tls(e.to_string()))?;
            answer(stream, request, most, true).await?
        };
        let mut response = Response::new(body);
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        Ok(response)
    }
}
