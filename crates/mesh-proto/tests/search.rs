//! The search of the catalogue: what is asked, what is read, and how its pages follow one another.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use bytes::Bytes;
use mesh_proto::call::Failure;
use mesh_proto::chat::Modality;
use mesh_proto::endpoint::{ListModels, SearchModels, SearchOrder, SearchSort};
use mesh_proto::error::{BuildError, DecodeError, ErrorCode};
use mesh_proto::models::{ModelPage, Pages};
use mesh_proto::{ApiKey, Endpoint, Target};
use proptest::prelude::*;
use serde_json::{Value, json};

fn asked<E: Endpoint>(endpoint: &E) -> Result<String, BuildError> {
    let target = Target::production(ApiKey::new("rsk_1").unwrap());
    let request = endpoint.request(&target)?;
    assert_eq!(request.method(), "GET");
    assert!(request.body().is_empty());
    Ok(request.uri().path_and_query().unwrap().as_str().to_owned())
}

fn page(body: &Value) -> ModelPage {
    try_page(&body.to_string()).unwrap()
}

fn try_page(body: &str) -> Result<ModelPage, Failure> {
    let response = http::Response::new(Bytes::copy_from_slice(body.as_bytes()));
    Ok(SearchModels::new().read(response)?.into_value())
}

#[test]
fn every_condition_is_a_parameter() {
    assert_eq!(asked(&SearchModels::new()).unwrap(), "/v1/models/search");
    let mut search = SearchModels::words("a&b=c d/\u{e4}?#%+")
        .paid()
        .takes(Modality::Text)
        .takes(Modality::Image)
        .gives(Modality::Text)
        .brand("openai")
        .brand("z ai");
    search.discounted = Some(true);
    search.sort = Some(SearchSort::ContextLength);
    search.order = Some(SearchOrder::Descending);
    search.limit = Some(20);
    search.offset = Some(40);
    assert_eq!(
        asked(&search).unwrap(),
        "/v1/models/search?q=a%26b%3Dc%20d%2F%C3%A4%3F%23%25%2B&free=false&discounted=true\
         &input_modality=text&input_modality=image&output_modality=text&brand=openai&brand=z%20ai\
         &sort=context_length&order=desc&limit=20&offset=40"
    );
    assert_eq!(
        asked(&ListModels::new().free()).unwrap(),
        "/v1/models?free=true"
    );
    assert_eq!(
        asked(&ListModels::new().paid()).unwrap(),
        "/v1/models?free=false"
    );
    let mut list = ListModels::new();
    list.model_type = Some(Modality::Image);
    list.provider = Some("black forest&labs".to_owned());
    assert_eq!(
        asked(&list).unwrap(),
        "/v1/models?type=image&provider=black%20forest%26labs"
    );
}

#[test]
fn a_sort_by_price_names_one_output_that_has_one() {
    let by_price = |outputs: &[Modality]| {
        let mut search = SearchModels::new();
        search.sort = Some(SearchSort::Price);
        search.output_modalities = outputs.to_vec();
        asked(&search)
    };
    for output in [Modality::Text, Modality::Image, Modality::Video] {
        assert!(by_price(&[output]).is_ok());
    }
    for outputs in [
        &[][..],
        &[Modality::Audio],
        &[Modality::Text, Modality::Image],
    ] {
        let error = by_price(outputs).unwrap_err();
        assert!(
            matches!(&error, BuildError::Invalid { field, .. } if field == "sort"),
            "{error}"
        );
    }
    let mut nothing = SearchModels::new();
    nothing.limit = Some(0);
    assert!(matches!(asked(&nothing), Err(BuildError::Invalid { field, .. }) if field == "limit"));
}

#[test]
fn a_page_is_read_whole() {
    let read = page(&json!({
        "items": [{"id": "openai/gpt-4o", "supports_tools": true}, {"name": "no id"}, 7, {"id": "b"}],
        "total": 57, "limit": 4, "offset": 8, "brands": ["openai", "google"],
        "facets": {"brand": {"openai": 12}}, "took_ms": 3,
    }));
    assert_eq!(
        read.iter()
            .map(|model| model.id.as_str())
            .collect::<Vec<_>>(),
        ["openai/gpt-4o", "b"]
    );
    assert_eq!(
        read.odd
            .iter()
            .map(|odd| (odd.place, odd.reason))
            .collect::<Vec<_>>(),
        [(1, "it has no id"), (2, "it is no object")]
    );
    assert_eq!(
        (read.total, read.limit, read.offset),
        (Some(57), Some(4), Some(8))
    );
    assert_eq!(read.brands, ["openai", "google"]);
    assert_eq!(read.facets.as_ref().unwrap()["brand"]["openai"], 12);
    assert_eq!(read.extra["took_ms"], 3);

    let bare = page(&json!([{"id": "a"}]));
    assert_eq!((bare.rows(), bare.total), (1, None));
    assert_eq!(page(&json!({"data": [{"id": "a"}]})), bare);
    assert_eq!(
        page(&json!({"items": [{"id": "a"}], "total": null, "brands": null})),
        bare
    );
    let told =
        page(&json!({"items": [], "brands": [{"brand": "openai", "count": 3}], "total": "0"}));
    assert_eq!(
        (told.brands.as_slice(), told.total),
        (&["openai".to_owned()][..], Some(0))
    );
}

#[test]
fn what_is_no_page_is_an_error_that_says_so() {
    assert!(matches!(
        try_page("<html>"),
        Err(Failure::Decode(DecodeError::NotJson { .. }))
    ));
    assert!(matches!(
        try_page("{\"items\":["),
        Err(Failure::Decode(DecodeError::Truncated))
    ));
    for body in ["{}", "7", "{\"items\":7}", "{\"items\":{}}"] {
        assert!(
            matches!(
                try_page(body),
                Err(Failure::Decode(DecodeError::Json { .. }))
            ),
            "{body}"
        );
    }
    let error =
        try_page(r#"{"error":{"code":"invalid_search_parameter","message":"m"}}"#).unwrap_err();
    let Failure::Decode(DecodeError::Api(error)) = error else {
        panic!("{error:?}")
    };
    assert_eq!(error.code, Some(ErrorCode::InvalidSearchParameter));
}

/// Asks `server` for pages until the search is over; what was asked, and what was found.
fn search(
    mut server: impl FnMut(u64, u64) -> Value,
    limit: Option<u32>,
) -> (Vec<u64>, Vec<String>, Pages) {
    let mut first = SearchModels::new();
    first.limit = limit;
    let mut pages = Pages::new(first);
    let (mut asked, mut found) = (Vec::new(), Vec::new());
    while let Some(request) = pages.next_request() {
        assert_eq!(
            pages.next_request().as_ref(),
            Some(&request),
            "nothing was taken yet"
        );
        assert_eq!(request.limit, limit);
        let offset = request.offset.unwrap_or_default();
        asked.push(offset);
        assert!(asked.len() <= 10_000, "runs in circles");
        pages.take(page(&server(offset, u64::from(limit.unwrap_or(50)))));
        found.extend(std::iter::from_fn(|| pages.model()).map(|model| model.id));
    }
    (asked, found, pages)
}

fn rows(range: std::ops::Range<u64>) -> Value {
    range
        .map(|number| json!({"id": format!("m/{number}")}))
        .collect()
}

fn ids(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(|number| format!("m/{number}")).collect()
}

#[test]
fn pages_follow_one_another_to_the_total() {
    let honest = |offset: u64, limit: u64| json!({"items": rows(offset..57.min(offset + limit)), "total": 57});
    let (asked, found, pages) = search(honest, Some(20));
    assert_eq!(asked, [0, 20, 40]);
    assert_eq!(found, ids(0..57));
    assert_eq!(pages.total(), Some(57));

    let (asked, found, _) = search(|offset, limit| honest(offset, limit.min(30)), Some(500));
    assert_eq!(
        (asked, found),
        (vec![0, 30], ids(0..57)),
        "the gateway's pages are smaller than was asked for"
    );

    let mut later = SearchModels::new();
    later.offset = Some(55);
    let mut pages = Pages::new(later);
    pages.take(page(&honest(55, 20)));
    assert_eq!(pages.next_request(), None);
    assert_eq!(std::iter::from_fn(|| pages.model()).count(), 2);
}

#[test]
fn a_gateway_that_lies_or_repeats_itself_is_left() {
    let (asked, found, _) = search(|_, _| json!(rows(0..20)), Some(20));
    assert_eq!((asked, found), (vec![0, 20], ids(0..20)), "knows no offset");

    let (asked, found, _) = search(
        |_, _| json!({"items": rows(0..20), "total": 1_000_000, "offset": 0}),
        Some(20),
    );
    assert_eq!(
        (asked, found),
        (vec![0, 20], ids(0..20)),
        "promises more, and repeats itself"
    );

    let (asked, found, _) = search(
        |offset, _| json!({"items": rows(offset..30.min(offset + 20)), "total": 0}),
        Some(20),
    );
    assert_eq!(
        (asked, found),
        (vec![0, 20, 30], ids(0..30)),
        "a total that cannot be is no end"
    );

    let (asked, found, _) = search(|_, _| json!({"items": [], "total": 100}), Some(20));
    assert_eq!(
        (asked, found),
        (vec![0], vec![]),
        "an empty page is the end, whatever was promised"
    );

    let (asked, found, _) = search(|offset, _| json!({"items": rows(offset..offset + 1)}), None);
    assert_eq!(
        (asked.len(), found.len()),
        (10_000, 10_000),
        "one without end has one"
    );

    let shifted = |offset: u64, limit: u64| {
        let from = offset.saturating_sub(u64::from(offset > 0));
        json!({"items": rows(from..45.min(from + limit)), "total": 46})
    };
    assert_eq!(
        search(shifted, Some(20)).1,
        ids(0..45),
        "a catalogue that grows meanwhile gives each model once"
    );
}

#[test]
fn odd_rows_count_and_are_told_with_their_places() {
    let odd = |offset: u64, _: u64| match offset {
        0 => json!({"items": [{"id": "a"}, 7], "total": 4}),
        _ => json!({"items": [{}, {"id": "b"}], "total": 4}),
    };
    let (asked, found, pages) = search(odd, Some(2));
    assert_eq!(
        (asked, found),
        (vec![0, 2], vec!["a".to_owned(), "b".to_owned()])
    );
    assert_eq!(
        pages.odd().iter().map(|odd| odd.place).collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn a_search_that_is_stopped_asks_no_more() {
    let mut pages = Pages::new(SearchModels::new());
    pages.take(page(&json!({"items": rows(0..2), "total": 10})));
    assert!(pages.next_request().is_some());
    pages.stop();
    assert_eq!(pages.next_request(), None);
    pages.take(page(&json!({"items": rows(2..4)})));
    assert_eq!(
        std::iter::from_fn(|| pages.model())
            .map(|model| model.id)
            .collect::<Vec<_>>(),
        ids(0..2)
    );
}

proptest! {
    /// Whatever a gateway answers, the search ends, and gives every model once.
    #[test]
    fn every_search_ends(
        answers in proptest::collection::vec((proptest::collection::vec(0_u64..40, 0..6), proptest::option::of(0_u64..60)), 1..12),
    ) {
        let mut turn = 0;
        let (asked, mut found, _) = search(|_, _| {
            let (rows, total) = &answers[turn % answers.len()];
            turn += 1;
            json!({"items": rows.iter().map(|number| json!({"id": number.to_string()})).collect::<Vec<_>>(), "total": total})
        }, None);
        prop_assert!(asked.len() <= 41, "each page but the last had news");
        let count = found.len();
        found.sort();
        found.dedup();
        prop_assert_eq!(found.len(), count);
    }

    /// From an honest gateway everything comes, in order, with as few questions as there are pages.
    #[test]
    fn an_honest_gateway_is_read_to_its_end(models in 0_u64..300, limit in 1_u32..80, cap in 1_u64..80, tells in any::<bool>()) {
        let (asked, found, _) = search(|offset, limit| {
            let rows = rows(offset.min(models)..models.min(offset + limit.min(cap)));
            if tells { json!({"items": rows, "total": models}) } else { json!({"items": rows}) }
        }, Some(limit));
        prop_assert_eq!(found, ids(0..models));
        let full = models.div_ceil(u64::from(limit).min(cap)).max(1);
        prop_assert_eq!(asked.len() as u64, if tells || models == 0 { full } else { full + 1 });
    }
}
