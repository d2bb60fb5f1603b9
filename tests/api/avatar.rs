//! A user's avatar: uploaded as by a mini program, shown by an absolute URL, and deleted once it is replaced.

mod address;
mod checked;
mod hostile;
mod pictures;
mod requests;
mod s3;
mod steps;
mod withdrawn;

use axum::http::{Request, header};
use entity::media_file::{self, State};
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use sea_orm::EntityTrait;
use serde_json::{Value, json};

use crate::harness::{ApiResponse, Client, TestApp};

/// Separates the fields of a form.
const BOUNDARY: &str = "----WebKitFormBoundaryabcdef0123456789";

/// A form as `wx.uploadFile` sends it: for each field its name, its file name if it is a file, and its content.
fn form(fields: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in fields {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: image/gif")).unwrap_or_default();
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend([head.as_bytes(), content, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// An upload request.
fn request() -> axum::http::request::Builder {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    Request::post("/api/avatar").header(header::CONTENT_TYPE, kind).header(header::HOST, "api.example")
}

/// Uploads a file with a misleading name and type.
async fn upload(client: &Client, file: &[u8]) -> ApiResponse {
    client.send(request(), form(&[("file", Some("a.svg"), file)])).await
}

/// Uploads a file successfully and returns the path of the avatar.
async fn uploaded(client: &Client, file: &[u8]) -> String {
    let answer = upload(client, file).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let address = answer.body["avatarUrl"].as_str().unwrap_or_else(|| panic!("{}", answer.text));
    address.strip_prefix("http://api.example").unwrap().to_owned()
}

/// The avatar URL that users see in their own profile.
async fn avatar_url(client: &Client) -> Value {
    let client = client.clone().header("host", "api.example");
    client.graphql("{ me { avatarUrl } }", json!({})).await.data()["me"]["avatarUrl"].clone()
}

/// Clears the avatar of a user.
async fn clear(client: &Client) {
    let clear = "mutation { updateProfile(input: { avatarUrl: null }) { user { id } } }";
    client.graphql(clear, json!({})).await.data();
}

/// A picture of four colours, one in each quarter: red, green, blue, white.
fn quarters(width: u32, height: u32) -> DynamicImage {
    let colour = |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => [255, 0, 0],
        (false, true) => [0, 255, 0],
        (true, false) => [0, 0, 255],
        (false, false) => [255, 255, 255],
    };
    RgbImage::from_fn(width, height, |x, y| image::Rgb(colour(x, y))).into()
}

/// A picture that is opaque only in the middle.
fn with_alpha(side: u32) -> DynamicImage {
    let middle = side / 4..side * 3 / 4;
    let alpha = |x, y| if middle.contains(&x) && middle.contains(&y) { 255 } else { 0 };
    RgbaImage::from_fn(side, side, |x, y| image::Rgba([255, 0, 0, alpha(x, y)])).into()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg() -> Vec<u8> {
    encoded(&quarters(64, 48), ImageFormat::Jpeg)
}

fn png() -> Vec<u8> {
    encoded(&with_alpha(64), ImageFormat::Png)
}

fn webp() -> Vec<u8> {
    let picture = quarters(64, 48).into_rgb8();
    let mut bytes = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.encode(picture.as_raw(), 64, 48, image_webp::ColorType::Rgb8).unwrap();
    bytes
}

/// The picture rows, as name and state, ordered by name.
async fn db_pictures(app: &TestApp) -> Vec<(String, State)> {
    let rows = media_file::Entity::find().all(&app.db().await).await.unwrap();
    let mut rows: Vec<_> = rows.into_iter().map(|row| (row.key, row.state)).collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

/// The sorted names of the files in the media folder.
fn files(app: &TestApp) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(&app.media) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Asserts that a picture is the only one: one file, and one row, which is in use.
async fn assert_only(app: &TestApp, path: &str) {
    let name = path.strip_prefix("/media/").unwrap().to_owned();
    assert_eq!(files(app), std::slice::from_ref(&name));
    assert_eq!(db_pictures(app).await, [(name, State::Live)]);
}

async fn assert_none(app: &TestApp) {
    assert_eq!((files(app), db_pictures(app).await), (Vec::new(), Vec::new()));
}

on_each_database! {
    async fn uploaded_picture_is_shown_and_served_and_the_next_one_replaces_it(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        assert_eq!(avatar_url(&alice).await, Value::Null);
        let first = uploaded(&alice, &jpeg()).await;
        assert_eq!(avatar_url(&alice).await, format!("http://api.example{first}"));
        let served = app.anonymous().get(&first).await;
        assert_eq!((served.status.as_u16(), &served.headers["content-type"]), (200, &"image/jpeg".parse().unwrap()));
        assert_only(&app, &first).await;
        let second = uploaded(&alice, &png()).await;
        assert_ne!(first, second);
        assert_eq!(avatar_url(&alice).await, format!("http://api.example{second}"));
        assert_eq!(app.anonymous().get(&second).await.headers["content-type"], "image/png");
        assert_eq!(app.anonymous().get(&first).await.status, 404);
        assert_only(&app, &second).await;
    }

    async fn concurrent_uploads_of_one_user_leave_one_picture(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let uploads = (0..6).map(|_| {
            let alice = alice.clone();
            tokio::spawn(async move { uploaded(&alice, &jpeg()).await })
        });
        let mut paths = Vec::new();
        for upload in uploads.collect::<Vec<_>>() {
            paths.push(upload.await.unwrap());
        }
        app.accounts.purge().await.unwrap();
        let shown = avatar_url(&alice).await;
        let last = paths.iter().find(|path| shown == format!("http://api.example{path}")).unwrap();
        assert_only(&app, last).await;
    }

    async fn avatars_of_two_users_are_independent(app: TestApp) {
        let (alice, bob) = (app.log_in("alice").await.client, app.log_in("bob").await.client);
        let (first, second) = (uploaded(&alice, &jpeg()).await, uploaded(&bob, &jpeg()).await);
        assert_eq!(app.anonymous().get(&first).await.status, 200);
        clear(&alice).await;
        app.accounts.purge().await.unwrap();
        assert_eq!(app.anonymous().get(&first).await.status, 404);
        assert_only(&app, &second).await;
    }

    async fn cleared_avatar_is_deleted(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        let path = uploaded(&alice, &jpeg()).await;
        clear(&alice).await;
        assert_eq!(avatar_url(&alice).await, Value::Null);
        app.accounts.purge().await.unwrap();
        assert_eq!(app.anonymous().get(&path).await.status, 404);
        assert_none(&app).await;
    }
}
