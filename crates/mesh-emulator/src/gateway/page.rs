//! The page for people.

use std::fmt::Write as _;

use super::record::{Exchange, PictureSeen, Record};

/// The page: what this is, where it is, the key to use, and the last exchanges.
pub(super) fn page(host: &str, key: &str, record: &Record) -> String {
    let mut rows = String::new();
    for exchange in record.newest_first() {
        rows.push_str(&row(exchange));
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
     pre{background:#eee;padding:1rem;overflow:auto}img{max-height:6rem;margin-right:.3rem}";

fn row(exchange: &Exchange) -> String {
    let pictures_in: Vec<String> = exchange.pictures_in.iter().map(told).collect();
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

fn told(picture: &PictureSeen) -> String {
    let size = picture.size.map_or_else(String::new, |(width, height)| {
        format!(", {width} × {height}")
    });
    escaped(&format!("{}{size}, {} bytes", picture.kind, picture.bytes))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
