//! Where a download goes, first and by redirects: over https, or to the gateway's own origin; never
//! with the key, nor to a host that is private by how it is written, in the eyes of the parser that
//! browsers follow.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderValue, Request};
use mesh_proto::body::Body;
use mesh_proto::call::CallError;
use mesh_proto::call::RetryPolicy;
use mesh_proto::download::{Download, DownloadBounds, is_public};
use mesh_proto::{ApiKey, BaseUrl, Call, Endpoint, Moment, Settings, Step, Target};
use url::{Host, Url};

use super::KEY;

const OWN: &str = "http://127.0.0.1:9";

pub(super) fn hold(data: &[u8]) {
    let target = Target::new(BaseUrl::new(OWN).unwrap(), ApiKey::new(KEY).unwrap());
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(download) = Download::new(text, DownloadBounds::default())
        && let Ok(request) = download.request(&target)
    {
        is_harmless(&request);
    }
    let Ok(location) = HeaderValue::from_bytes(data) else {
        return;
    };
    for first in ["http://127.0.0.1:9/a/b.png?q", "https://cdn.test/a/b.png"] {
        let mut download = Download::new(first, DownloadBounds::default()).unwrap();
        let mut followed = 0;
        while let Some(Ok(next)) = download.after(&redirected(&download, &target, &location)) {
            followed += 1;
            assert!(followed <= 5, "redirects without an end");
            match next.request(&target) {
                Ok(request) => is_harmless(&request),
                Err(_) => break,
            }
            download = next;
        }
    }
}

fn redirected(download: &Download, target: &Target, location: &HeaderValue) -> CallError {
    let mut settings = download.settings(&Settings::default(), Duration::ZERO);
    settings.retry = RetryPolicy::never();
    let mut call = Call::new(download, target, &settings, Moment::ORIGIN, 7).unwrap();
    let mut response = http::Response::new(()).into_parts().0;
    response.status = 302.try_into().unwrap();
    response.headers.insert("location", location.clone());
    loop {
        match call.poll(Moment::ORIGIN) {
            Step::Send(outgoing) => outgoing.head(response.clone()),
            Step::Done(result) => return result.expect_err("a redirect is no picture"),
            _ => panic!("a redirect ends the call"),
        }
    }
}

fn is_harmless(request: &Request<Body>) {
    assert!(!format!("{:?}", request.headers()).contains(KEY));
    assert!(!request.headers().contains_key("authorization"));
    assert!(!request.headers().contains_key("cookie"));
    let written = request.uri().to_string();
    assert!(
        written.is_ascii() && !written.contains([' ', '"', '<', '>']),
        "{written}"
    );
    let Ok(url) = Url::parse(&written) else {
        return;
    };
    assert!(url.username().is_empty() && url.password().is_none());
    if url.origin() == Url::parse(OWN).unwrap().origin() {
        return;
    }
    assert!(!request.uri().to_string().contains(KEY));
    assert_eq!(url.scheme(), "https");
    let address: IpAddr = match url.host().expect("a host") {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.');
            assert!(name != "localhost" && !name.ends_with(".localhost"));
            return;
        }
        Host::Ipv4(address) => address.into(),
        Host::Ipv6(address) => address.into(),
    };
    assert!(is_public(address), "{url}");
}
