//! GraphiQL from inside the binary: the files scripts/graphiql fetched before the build, and ours that start it. Where
//! nobody fetched them there is none. Each file has its hash in its address, so browsers keep it for good.

use std::{borrow::Cow, sync::LazyLock};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rust_embed::RustEmbed;
use tokio::task::spawn_blocking;

use super::encoding::{Compressed, Encoding};

/// GraphiQL measures and places its editors by `style` attributes, and has its fonts inside its style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const FETCHED: [&str; 5] =
    ["react.production.min.js", "react-dom.production.min.js", "graphiql.min.js", "graphiql.min.css", "licences.txt"];
const OURS: [(&str, &str); 2] =
    [("init.js", include_str!("graphiql/init.js")), ("init.css", include_str!("graphiql/init.css"))];
const PAGE: &str = include_str!("graphiql/index.html");

#[derive(RustEmbed)]
#[folder = "assets/graphiql"]
#[allow_missing = true]
struct Fetched;

static GRAPHIQL: LazyLock<Option<Graphiql>> = LazyLock::new(Graphiql::find);

struct Graphiql {
    page: String,
    assets: Vec<Asset>,
}

struct Asset {
    name: &'static str,
    version: String,
    content: Compressed,
}

impl Graphiql {
    fn find() -> Option<Self> {
        let fetched = FETCHED.iter().map(|name| Some(Asset::new(name, bytes(Fetched::get(name)?.data))));
        let ours = OURS.iter().map(|(name, text)| Some(Asset::new(name, Bytes::from_static(text.as_bytes()))));
        let assets = fetched.chain(ours).collect::<Option<Vec<_>>>()?;
        let link = |page: String, asset: &Asset| page.replace(&format!("assets/{}", asset.name), &asset.path());
        Some(Self { page: assets.iter().fold(PAGE.to_owned(), link), assets })
    }
}

impl Asset {
    fn new(name: &'static str, content: Bytes) -> Self {
        let hash = digest(&SHA256, &content);
        let version = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..9]);
        Self { name, version, content: Compressed::new(content) }
    }

    fn path(&self) -> String {
        format!("assets/{}/{}", self.version, self.name)
    }

    /// Names this content in this encoding.
    fn tag(&self, encoding: Encoding) -> String {
        format!("\"{}-{}\"", self.version, encoding.as_str())
    }

    fn content_type(&self) -> &'static str {
        match self.name.rsplit_once('.') {
            Some((_, "js")) => "text/javascript; charset=utf-8",
            Some((_, "css")) => "text/css; charset=utf-8",
            _ => "text/plain; charset=utf-8",
        }
    }
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// The page that shows GraphiQL, where it is there.
pub(super) fn page() -> Option<Response> {
    GRAPHIQL.as_ref().map(|graphiql| super::page(graphiql.page.as_str(), POLICY))
}

/// `GET /graphiql/assets/<hash>/<name>`
pub(super) async fn asset(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    let mut assets = GRAPHIQL.iter().flat_map(|graphiql| &graphiql.assets);
    let Some(asset) = assets.find(|asset| asset.name == name && asset.version == version) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let encoding = Encoding::negotiate(&headers);
    let tag = asset.tag(encoding);
    if is_known(&tag, &headers) {
        return described(StatusCode::NOT_MODIFIED.into_response(), asset, encoding, &tag);
    }
    // the first to ask waits until it is compressed
    let Ok(content) = spawn_blocking(move || asset.content.get(encoding)).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    described(Body::from(content).into_response(), asset, encoding, &tag)
}

fn is_known(tag: &str, headers: &HeaderMap) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    known.split(',').map(|known| known.trim().trim_start_matches("W/")).any(|known| known == tag || known == "*")
}

fn described(mut response: Response, asset: &Asset, encoding: Encoding, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if encoding != Encoding::Identity {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
    }
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}
