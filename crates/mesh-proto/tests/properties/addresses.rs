//! Whatever text stands for a key, an id, a version, a filter, a header or a base URL: it is refused
//! with an error, or the request goes to the place that was meant and has no header that was not.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request};
use mesh_proto::body::Body;
use mesh_proto::call::CallOptions;
use mesh_proto::endpoint::{GetModel, ListModels};
use mesh_proto::{ApiKey, ApiVersion, BaseUrl, Endpoint, Settings, Target};
use percent_encoding::percent_decode_str;

use super::target;

pub(super) fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    id(text);
    filter(text);
    headers(text);
    base(text);
}

fn id(text: &str) {
    let Ok(request) = GetModel::new(text).request(&target()) else {
        return;
    };
    is_sound(&request, &BaseUrl::production());
    assert_eq!(request.uri().query(), None);
    let path = request.uri().path().strip_prefix("/v1/models/").unwrap();
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect();
    assert_eq!(segments, text.split('/').collect::<Vec<_>>());
    assert!(
        segments
            .iter()
            .all(|segment| !matches!(segment.as_str(), "" | "." | ".."))
    );
}

fn filter(text: &str) {
    let mut list = ListModels::new();
    list.provider = Some(text.to_owned());
    let request = list.request(&target()).unwrap();
    is_sound(&request, &BaseUrl::production());
    assert_eq!(request.uri().path(), "/v1/models");
    let value = request
        .uri()
        .query()
        .unwrap()
        .strip_prefix("provider=")
        .unwrap();
    assert!(!value.contains(['&', '+', '=', '#']));
    assert_eq!(percent_decode_str(value).decode_utf8().unwrap(), text);
}

fn headers(text: &str) {
    let list = ListModels::new();
    if let Ok(key) = ApiKey::new(text) {
        assert_eq!(key.reveal(), text.trim());
        let request = list.request(&Target::production(key)).unwrap();
        is_sound(&request, &BaseUrl::production());
        let value = request.headers()["authorization"].to_str().unwrap();
        assert_eq!(value, format!("Bearer {}", text.trim()));
    }
    let mut options = vec![CallOptions::new()];
    if let Ok(with_id) = CallOptions::new().request_id(text) {
        options.push(with_id);
    }
    if let Ok(version) = ApiVersion::new(text) {
        options.push(CallOptions::new().version(version));
    }
    if let (Ok(name), Ok(value)) = (HeaderName::try_from("x-team"), HeaderValue::from_str(text))
        && let Ok(with_header) = CallOptions::new().header(name, value)
    {
        options.push(with_header);
    }
    if let Ok(name) = HeaderName::try_from(text)
        && let Ok(with_header) = CallOptions::new().header(name, HeaderValue::from_static("x"))
    {
        options.push(with_header);
    }
    for options in options {
        let (target, _) = options.apply(&target(), &Settings::default());
        let request = list.request(&target).unwrap();
        is_sound(&request, &BaseUrl::production());
        assert_eq!(request.headers().get_all("authorization").iter().count(), 1);
        assert!(request.headers()["authorization"].is_sensitive());
    }
}

fn base(text: &str) {
    let Ok(base) = BaseUrl::new(text) else {
        return;
    };
    assert!(base.is_https() || base.is_loopback());
    assert_eq!(BaseUrl::new(base.to_string()).unwrap(), base);
    let target = Target::new(base.clone(), ApiKey::new("rsk_1").unwrap());
    let request = ListModels::new().request(&target).unwrap();
    is_sound(&request, &base);
    let path = request.uri().path();
    assert!(
        path.ends_with("/v1/models") && !path.ends_with("/v1/v1/models"),
        "{path}"
    );
}

/// The request goes where it should, and no character in it ends a line.
fn is_sound(request: &Request<Body>, base: &BaseUrl) {
    assert_eq!(*request.method(), Method::GET);
    let url = request.uri().to_string();
    assert!(
        !url.bytes()
            .any(|byte| byte.is_ascii_control() || byte == b' '),
        "{url:?}"
    );
    assert!(base.is_same_origin(request.uri()));
    for (name, value) in request.headers() {
        let has_line_end = value
            .as_bytes()
            .iter()
            .any(|byte| matches!(byte, b'\r' | b'\n' | 0));
        assert!(!has_line_end, "{name}: {value:?}");
    }
}
