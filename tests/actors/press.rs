//! Where a service provider or a federation publishes metadata: a page that can change, vanish, or be slow.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, routing::get};

pub struct Press {
    pub url: String,
    page: Arc<Page>,
    server: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Page {
    text: Mutex<Option<String>>,
    readers: AtomicUsize,
}

impl Press {
    pub async fn prints(text: impl Into<String>) -> Press {
        let page = Arc::new(Page { text: Mutex::new(Some(text.into())), ..Page::default() });
        let routes = Router::new().route("/metadata", get(read)).with_state(page.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Press { url, page, server }
    }

    pub fn now_prints(&self, text: impl Into<String>) {
        *self.page.text.lock().unwrap() = Some(text.into());
    }

    pub fn vanishes(&self) {
        *self.page.text.lock().unwrap() = None;
    }

    /// How often it was read.
    pub fn readers(&self) -> usize {
        self.page.readers.load(Ordering::SeqCst)
    }
}

async fn read(State(page): State<Arc<Page>>) -> Result<String, StatusCode> {
    page.readers.fetch_add(1, Ordering::SeqCst);
    page.text.lock().unwrap().clone().ok_or(StatusCode::NOT_FOUND)
}

impl Drop for Press {
    fn drop(&mut self) {
        self.server.abort();
    }
}
