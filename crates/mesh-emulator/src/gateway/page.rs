//! The page for people.

use std::fmt::Write as _;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderName, HeaderValue};
use mesh_proto::image::MediaType;

use super::draft::Draft;
use super::pictures::Pictures;
use super::record::{Exchange, PictureSeen, Record};

/// The page as a response. A browser runs no script in it, whatever it shows.
pub(super) fn draft(host: &str, key: &str, record: &Record, sent: &Pictures) -> Draft {
    const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let page = page(host, key, record, sent);
    let mut draft = Draft::plain(StatusCode::OK, "text/html; charset=utf-8", page.into());
    guard(&mut draft, POLICY);
    draft
}

/// A drawn picture as a response.
pub(super) fn picture(bytes: &Bytes) -> Draft {
    let mut draft = Draft::plain(StatusCode::OK, "image/png", bytes.clone());
    guard(&mut draft, "default-src 'none'; sandbox");
    draft
}

/// An image that was sent as a response, of the type that its bytes tell. It is for the page alone.
pub(super) fn sent_picture(bytes: &Bytes) -> Draft {
    let media_type = match MediaType::sniff(bytes).as_ref().map(MediaType::name) {
        Some("PNG") => "image/png",
        Some("JPEG") => "image/jpeg",
        Some("GIF") => "image/gif",
        Some("WebP") => "image/webp",
        _ => "application/octet-stream",
    };
    let mut draft = Draft::plain(StatusCode::OK, media_type, bytes.clone());
    guard(&mut draft, "default-src 'none'; sandbox");
    let own = HeaderValue::from_static("same-origin");
    let name = HeaderName::from_static("cross-origin-resource-policy");
    draft.headers.insert(name, own);
    draft
}

fn guard(draft: &mut Draft, policy: &'static str) {
    let policy = HeaderValue::from_static(policy);
    let no_sniff = HeaderValue::from_static("nosniff");
    draft
        .headers
        .insert(header::CONTENT_SECURITY_POLICY, policy);
    draft
        .headers
        .insert(header::X_CONTENT_TYPE_OPTIONS, no_sniff);
}

/// The page: what this is, where it is, the key to use, and the last exchanges.
fn page(host: &str, key: &str, record: &Record, sent: &Pictures) -> String {
    let mut rows = String::new();
    for exchange in record.newest_first() {
        rows.push_str(&row(exchange, sent));
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=\"5\">Nothing yet.</td></tr>");
    }
    let host = escaped(host);
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Mesh API emulator</title>\n\
         <style>{STYLE}</style></head><body>\n\
         <h1>Mesh API emulator</h1>\n\
         <p>A loopback stand-in for the Mesh API gateway. It measures the pictures that it is sent and draws the pictures \
         that it is asked for. No model answers here, and nothing leaves this machine.</p>\n\
         <pre>export MESHAPI_BASE_URL=http://{host}\nexport MESHAPI_API_KEY={key}</pre>\n\
         <h2>The last exchanges</h2>\n\
         <table><tr><th>Request</th><th>Status</th><th>Model</th><th>Pictures in</th><th>Pictures out</th></tr>\n{rows}</table>\n\
         </body></html>\n"
    )
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}\
     table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}\
     pre{background:#eee;padding:1rem;overflow:auto}img{max-height:6rem;max-width:12rem;margin-right:.3rem}";

/// The most images that a row tells of.
const MOST_IN_A_ROW: usize = 16;

fn row(exchange: &Exchange, sent: &Pictures) -> String {
    let all = exchange.pictures_in.iter();
    let told = all.take(MOST_IN_A_ROW).map(|it| told(it, sent));
    let mut pictures_in: Vec<String> = told.collect();
    let more = exchange.pictures_in.len().saturating_sub(MOST_IN_A_ROW);
    if more > 0 {
        pictures_in.push(format!("and {more} more"));
    }
    let mut pictures_out = String::new();
    for name in &exchange.pictures_out {
        let name = escaped(name);
        // Writing to a `String` cannot fail.
        let _ = write!(
            pictures_out,
            "<a href=\"/pictures/{name}\"><img src=\"/pictures/{name}\" alt=\"drawn\"></a>"
        );
    }
    if pictures_out.is_empty() && exchange.drawn > 0 {
        pictures_out = format!("{} inline", exchange.drawn);
    }
    format!(
        "<tr><td>{} {}</td><td>{}</td><td>{}</td><td>{}</td><td>{pictures_out}</td></tr>\n",
        escaped(exchange.method.as_str()),
        escaped(&exchange.path),
        exchange.status.as_u16(),
        escaped(exchange.model.as_deref().unwrap_or_default()),
        pictures_in.join("<br>"),
    )
}

/// An image with its type and size; in words alone if it is not kept.
fn told(picture: &PictureSeen, sent: &Pictures) -> String {
    let size = picture.size.map_or_else(String::new, |(width, height)| {
        format!(", {width} × {height}")
    });
    let words = escaped(&format!("{}{size}, {} bytes", picture.kind, picture.bytes));
    let name = picture.name.as_deref();
    match name.filter(|name| sent.find(name).is_some()) {
        Some(name) => {
            let name = escaped(name);
            format!(
                "<a href=\"/sent/{name}\"><img src=\"/sent/{name}\" alt=\"sent\" loading=\"lazy\"></a><br>{words}"
            )
        }
        None => words,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
