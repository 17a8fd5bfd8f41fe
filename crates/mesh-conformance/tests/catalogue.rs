//! The catalogue, its search, and what a gateway tells of itself, over real sockets through both
//! clients.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test has sockets and threads, and says when it fails"
)]

use mesh_conformance::{Exchange, ScriptedServer};
use mesh_proto::Error;
use mesh_proto::api_versions::VersionList;
use mesh_proto::endpoint::{SearchModels, SearchSort};
use mesh_proto::error::{BuildError, ErrorCode};
use mesh_proto::error_codes::ErrorCodeList;
use mesh_proto::models::{ModelList, ModelPage};
use serde_json::{Value, json};

/// What a search gave: its ids and how it ended, the total, and the places of odd rows.
type Searched = (Vec<String>, Option<Error>, Option<u64>, Vec<usize>);

trait Catalogue {
    fn new(base_url: String) -> Self;
    fn search(&self, search: SearchModels) -> Searched;
    /// The first model of a search, which is then dropped.
    fn first(&self, search: SearchModels) -> String;
    fn search_page(&self, search: &SearchModels) -> Result<ModelPage, Error>;
    fn free(&self) -> Result<ModelList, Error>;
    fn paid(&self) -> Result<ModelList, Error>;
    fn api_versions(&self) -> Result<VersionList, Error>;
    fn error_codes(&self) -> Result<ErrorCodeList, Error>;
}

struct Blocking(mesh_blocking::Client);

impl Catalogue for Blocking {
    fn new(base_url: String) -> Self {
        let builder = mesh_blocking::Client::builder().key("rsk_canary");
        Self(builder.base_url(base_url).build().unwrap())
    }

    fn search(&self, search: SearchModels) -> Searched {
        let mut models = self.0.models().search(search);
        let (mut ids, mut end) = (Vec::new(), None);
        for model in models.by_ref() {
            match model {
                Ok(model) => ids.push(model.id),
                Err(error) => assert!(end.replace(error).is_none(), "an error ends it"),
            }
        }
        assert!(models.next().is_none());
        let odd = models.odd().iter().map(|odd| odd.place).collect();
        (ids, end, models.total(), odd)
    }

    fn first(&self, search: SearchModels) -> String {
        self.0.models().search(search).next().unwrap().unwrap().id
    }

    fn search_page(&self, search: &SearchModels) -> Result<ModelPage, Error> {
        Ok(self.0.models().search_page(search)?.into_value())
    }

    fn free(&self) -> Result<ModelList, Error> {
        Ok(self.0.models().free()?.into_value())
    }

    fn paid(&self) -> Result<ModelList, Error> {
        Ok(self.0.models().paid()?.into_value())
    }

    fn api_versions(&self) -> Result<VersionList, Error> {
        Ok(self.0.api_versions()?.into_value())
    }

    fn error_codes(&self) -> Result<ErrorCodeList, Error> {
        Ok(self.0.error_codes()?.into_value())
    }
}

struct Async {
    client: mesh_async::Client,
    runtime: tokio::runtime::Runtime,
}

impl Catalogue for Async {
    fn new(base_url: String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let builder = mesh_async::Client::builder().key("rsk_canary");
        let client = builder.base_url(base_url).build().unwrap();
        Self { client, runtime }
    }

    fn search(&self, search: SearchModels) -> Searched {
        let mut models = self.client.models().search(search);
        // Spawned, because it has to be possible.
        let task = self.runtime.spawn(async move {
            let (mut ids, mut end) = (Vec::new(), None);
            while let Some(model) = models.next().await {
                match model {
                    Ok(model) => ids.push(model.id),
                    Err(error) => assert!(end.replace(error).is_none(), "an error ends it"),
                }
            }
            assert!(models.next().await.is_none());
            let odd = models.odd().iter().map(|odd| odd.place).collect();
            (ids, end, models.total(), odd)
        });
        self.runtime.block_on(task).unwrap()
    }

    fn first(&self, search: SearchModels) -> String {
        let mut models = self.client.models().search(search);
        let first = self.runtime.block_on(models.next());
        first.unwrap().unwrap().id
    }

    fn search_page(&self, search: &SearchModels) -> Result<ModelPage, Error> {
        let asked = self.client.models().search_page(search);
        Ok(self.runtime.block_on(asked)?.into_value())
    }

    fn free(&self) -> Result<ModelList, Error> {
        let asked = self.client.models().free();
        Ok(self.runtime.block_on(asked)?.into_value())
    }

    fn paid(&self) -> Result<ModelList, Error> {
        let asked = self.client.models().paid();
        Ok(self.runtime.block_on(asked)?.into_value())
    }

    fn api_versions(&self) -> Result<VersionList, Error> {
        let asked = self.client.api_versions();
        Ok(self.runtime.block_on(asked)?.into_value())
    }

    fn error_codes(&self) -> Result<ErrorCodeList, Error> {
        let asked = self.client.error_codes();
        Ok(self.runtime.block_on(asked)?.into_value())
    }
}

fn answers(bodies: impl IntoIterator<Item = Value>) -> ScriptedServer {
    ScriptedServer::start(bodies.into_iter().map(|body| ok(&body)))
}

fn ok(body: &Value) -> Exchange {
    Exchange::answer_with(
        200,
        &[("content-type", "application/json")],
        body.to_string(),
    )
}

fn lines(server: &ScriptedServer) -> Vec<String> {
    server
        .rest()
        .into_iter()
        .map(|request| request.line)
        .collect()
}

fn a_search_asks_page_by_page<C: Catalogue>() {
    let server = answers([
        json!({"items": [{"id": "a"}, {"id": "b"}], "total": 5, "limit": 2, "offset": 0, "brands": []}),
        json!({"items": [{"id": "c"}, 7], "total": 5, "limit": 2, "offset": 2, "brands": []}),
        json!({"items": [{"id": "e"}], "total": 5, "limit": 2, "offset": 4, "brands": []}),
    ]);
    let client = C::new(server.base_url());
    let mut search = SearchModels::words("fox & hound").free();
    search.limit = Some(2);
    let (ids, end, total, odd) = client.search(search);
    assert_eq!(
        (ids.concat().as_str(), total, odd),
        ("abce", Some(5), vec![3])
    );
    assert!(end.is_none(), "{end:?}");
    assert_eq!(
        lines(&server),
        [
            "GET /v1/models/search?q=fox%20%26%20hound&free=true&limit=2",
            "GET /v1/models/search?q=fox%20%26%20hound&free=true&limit=2&offset=2",
            "GET /v1/models/search?q=fox%20%26%20hound&free=true&limit=2&offset=4",
        ]
    );
}

fn a_search_asks_for_no_page_that_nobody_wants<C: Catalogue>() {
    let server = answers([json!({"items": [{"id": "a"}, {"id": "b"}], "total": 50})]);
    assert_eq!(C::new(server.base_url()).first(SearchModels::new()), "a");
    assert_eq!(lines(&server).len(), 1);
}

fn an_error_ends_a_search_and_keeps_what_came<C: Catalogue>() {
    let refusal = json!({"error": {"code": "invalid_search_parameter", "message": "m"}, "request_id": "req_2"});
    let server = ScriptedServer::start([
        ok(&json!({"items": [{"id": "a"}, {"id": "b"}], "total": 5})),
        Exchange::answer(400, refusal.to_string()),
    ]);
    let (ids, end, ..) = C::new(server.base_url()).search(SearchModels::new());
    assert_eq!(ids, ["a", "b"]);
    let end = end.unwrap();
    assert_eq!(
        end.code(),
        Some(&ErrorCode::InvalidSearchParameter),
        "{end}"
    );

    let server = answers([json!([])]);
    let mut search = SearchModels::new();
    search.sort = Some(SearchSort::Price);
    let client = C::new(server.base_url());
    let page = client.search_page(&search).unwrap_err();
    assert!(
        matches!(page, Error::Build(BuildError::Invalid { .. })),
        "{page}"
    );
    let (ids, end, ..) = client.search(search);
    assert!(ids.is_empty() && matches!(end, Some(Error::Build(BuildError::Invalid { .. }))));
    assert_eq!(lines(&server).len(), 0, "nothing was sent");
}

fn a_gateway_that_repeats_itself_is_left<C: Catalogue>() {
    let server = answers([json!([{"id": "a"}, {"id": "b"}])]);
    let (ids, end, ..) = C::new(server.base_url()).search(SearchModels::new());
    assert_eq!((ids.concat().as_str(), end.is_none()), ("ab", true));
    assert_eq!(lines(&server).len(), 2);
}

fn one_page_shows_its_facets<C: Catalogue>() {
    let server = answers([
        json!({"items": [{"id": "a"}], "total": 5, "brands": ["acme"], "facets": {"free": 2}}),
    ]);
    let page = C::new(server.base_url())
        .search_page(&SearchModels::new().brand("acme"))
        .unwrap();
    assert_eq!(
        (page.total, page.rows(), page.brands),
        (Some(5), 1, vec!["acme".to_owned()])
    );
    assert_eq!(page.facets, Some(json!({"free": 2})));
}

fn free_and_paid_are_filters<C: Catalogue>() {
    let server = answers([json!([{"id": "a"}]), json!({"data": [{"id": "b"}]})]);
    let client = C::new(server.base_url());
    assert!(client.free().unwrap().get("a").is_some());
    assert!(client.paid().unwrap().get("b").is_some());
    assert_eq!(
        lines(&server),
        ["GET /v1/models?free=true", "GET /v1/models?free=false"]
    );
}

fn a_gateway_tells_its_versions_and_codes<C: Catalogue>() {
    let server = ScriptedServer::start([
        ok(&json!([{"label": "2026-08", "status": "ga", "baseline": true, "latest": true}])),
        Exchange::answer(404, r#"{"detail":"Not Found"}"#),
        ok(&json!({"errors": [{"code": "conflict", "status": 409}]})),
    ]);
    let client = C::new(server.base_url());
    assert_eq!(
        client.api_versions().unwrap().baseline().unwrap().label,
        "2026-08"
    );
    let error = client.api_versions().unwrap_err();
    assert_eq!(error.api().unwrap().status.as_u16(), 404, "{error}");
    let codes = client.error_codes().unwrap();
    assert_eq!(codes.get(&ErrorCode::Conflict).unwrap().statuses, [409]);
    assert_eq!(
        lines(&server),
        [
            "GET /v1/api-versions",
            "GET /v1/api-versions",
            "GET /v1/errors"
        ]
    );
}

macro_rules! through_both {
    ($($scenario:ident),* $(,)?) => {
        mod blocking {
            $(#[test] fn $scenario() { super::$scenario::<super::Blocking>(); })*
        }
        mod asynchronous {
            $(#[test] fn $scenario() { super::$scenario::<super::Async>(); })*
        }
    };
}

through_both!(
    a_search_asks_page_by_page,
    a_search_asks_for_no_page_that_nobody_wants,
    an_error_ends_a_search_and_keeps_what_came,
    a_gateway_that_repeats_itself_is_left,
    one_page_shows_its_facets,
    free_and_paid_are_filters,
    a_gateway_tells_its_versions_and_codes,
);
