//! GraphiQL from the binary: the files that scripts/graphiql fetched before the build, and our own that start it. A build
//! without the fetched files has no GraphiQL. The path of each file contains its hash, so that browsers cache it.

use std::{borrow::Cow, sync::LazyLock};

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, rejection::PathRejection},
    http::HeaderMap,
    response::Response,
};
use rust_embed::RustEmbed;

use super::{Page, content::Content};
use crate::http::{request::RequestContext, service::not_found};

/// The `Content-Security-Policy` of GraphiQL, which uses `style` attributes and has fonts in its style sheet.
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
    page: Page,
    assets: Vec<Asset>,
}

struct Asset {
    name: &'static str,
    content: Content,
}

impl Graphiql {
    fn find() -> Option<Self> {
        let fetched = FETCHED.iter().map(|name| Asset::fetched(name));
        let ours = OURS.iter().map(|(name, text)| Some(Asset::new(name, Bytes::from_static(text.as_bytes()))));
        let assets = fetched.chain(ours).collect::<Option<Vec<_>>>()?;
        let link = |page: String, asset: &Asset| page.replace(&format!("assets/{}", asset.name), &asset.path());
        let page = Page::new(assets.iter().fold(PAGE.to_owned(), link), POLICY);
        Some(Self { page, assets })
    }
}

impl Asset {
    fn new(name: &'static str, bytes: Bytes) -> Self {
        Self { name, content: Content::immutable(content_type(name), bytes) }
    }

    /// A fetched file, with the forms that scripts/graphiql compressed.
    fn fetched(name: &'static str) -> Option<Self> {
        let file = |name: &str| Fetched::get(name).map(|file| bytes(file.data));
        let Self { name, content } = Self::new(name, file(name)?);
        let content = content.with_forms(file(&format!("{name}.gz")), file(&format!("{name}.br")));
        Some(Self { name, content })
    }

    fn path(&self) -> String {
        format!("assets/{}/{}", self.content.version(), self.name)
    }
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        _ => "text/plain; charset=utf-8",
    }
}

fn bytes(data: Cow<'static, [u8]>) -> Bytes {
    match data {
        Cow::Borrowed(data) => Bytes::from_static(data),
        Cow::Owned(data) => Bytes::from(data),
    }
}

/// The page of GraphiQL, if the build contains it.
pub(super) fn page() -> Option<&'static Page> {
    GRAPHIQL.as_ref().map(|graphiql| &graphiql.page)
}

/// `GET /graphiql/assets/<hash>/<name>`
pub(super) async fn asset(
    path: Result<Path<(String, String)>, PathRejection>,
    context: Extension<RequestContext>,
    headers: HeaderMap,
) -> Response {
    let assets = GRAPHIQL.iter().flat_map(|graphiql| &graphiql.assets);
    let is_requested = |asset: &&Asset| {
        path.as_ref().is_ok_and(|Path((version, name))| asset.name == name && asset.content.version() == version)
    };
    match assets.into_iter().find(is_requested) {
        Some(asset) => asset.content.respond(&headers).await,
        None => not_found(context).await,
    }
}
