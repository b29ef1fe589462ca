//! A virtual user's cookies: as much of RFC 6265 as one honest server on one host asks for.

#[derive(Debug, Default, Clone)]
pub struct Cookies(Vec<Cookie>);

#[derive(Debug, Clone)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Cookies {
    /// Keeps what one Set-Cookie line says, as answered to a request for `target`.
    pub fn keep(&mut self, line: &str, target: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let mut path = default_path(target);
        let mut gone = false;
        for part in parts {
            let (attribute, said) = part.split_once('=').unwrap_or((part, ""));
            match attribute.to_ascii_lowercase().as_str() {
                "path" if said.starts_with('/') => path = said,
                "max-age" => gone = said.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => gone = gone || said.contains("1970"),
                _ => {}
            }
        }
        self.0.retain(|cookie| !(cookie.name == name && cookie.path == path));
        if !gone {
            self.0.push(Cookie { name: name.to_owned(), value: value.to_owned(), path: path.to_owned() });
        }
    }

    /// The whole header line for a request, empty where there is nothing to send.
    pub fn header(&self, target: &str) -> String {
        let path = target.split('?').next().unwrap_or_default();
        let mut line = String::new();
        for cookie in self.0.iter().filter(|cookie| covers(&cookie.path, path)) {
            line.push_str(if line.is_empty() { "Cookie: " } else { "; " });
            line.push_str(&cookie.name);
            line.push('=');
            line.push_str(&cookie.value);
        }
        line
    }
}

/// RFC 6265 section 5.1.4.
fn default_path(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(slash) => path.get(..slash).unwrap_or("/"),
    }
}

fn covers(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_where_its_path_leads_and_nowhere_else() {
        let mut cookies = Cookies::default();
        cookies.keep("all=1; Path=/; HttpOnly", "/any/where");
        cookies.keep("some=2; path=/interaction/x", "/auth");
        assert_eq!(cookies.header("/interaction/x?y"), "Cookie: all=1; some=2");
        assert_eq!(cookies.header("/interaction/xy"), "Cookie: all=1");
    }

    #[test]
    fn a_cookie_is_replaced_and_taken_back() {
        let mut cookies = Cookies::default();
        cookies.keep("a=1; Path=/", "/");
        cookies.keep("a=2; Path=/", "/");
        assert_eq!(cookies.header("/"), "Cookie: a=2");
        cookies.keep("a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/");
        assert_eq!(cookies.header("/"), "");
    }
}
