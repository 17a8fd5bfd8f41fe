//! The catalogue: lists, searches, and what else the gateway tells of itself.

use super::*;

fn found(path: &str) -> (Value, Vec<String>) {
    let reply = get(&mut gateway(), path);
    assert_eq!(reply.head.status, 200, "{path} {:?}", whole(&reply));
    let page = document(&reply);
    let ids = page["items"].as_array().unwrap().iter();
    let ids = ids
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect();
    (page, ids)
}

#[test]
fn a_search_finds_what_meets_every_condition() {
    let (page, all) = found("/v1/models/search");
    let rows = document(&get(&mut gateway(), "/v1/models"));
    assert_eq!(page["total"], rows.as_array().unwrap().len());
    assert_eq!(page["items"], rows);
    assert_eq!((&page["limit"], &page["offset"]), (&json!(50), &json!(0)));
    assert!(all.len() > 12);
    for (query, expected) in [
        (
            "q=gpt-image",
            &["openai/gpt-image-1", "openai/gpt-image-1-mini"][..],
        ),
        ("q=chat+DEEP", &["deepseek/deepseek-chat-v3.1"]),
        (
            "free=true",
            &["meta-llama/llama-3.2-11b-vision-instruct:free"],
        ),
        ("discounted=true", &["deepseek/deepseek-chat-v3.1"]),
        ("output_modality=video", &["google/veo-3.1-fast"]),
        (
            "output_modality=text&output_modality=image",
            &["openai/gpt-5.4-image", "google/gemini-2.5-flash-image"],
        ),
        (
            "brand=meta&brand=bytedance",
            &[
                "meta-llama/llama-3.2-11b-vision-instruct:free",
                "bytedance/seedream-4.0",
            ],
        ),
        (
            "brand=openai&input_modality=image&output_modality=image&q=mini",
            &["openai/gpt-image-1-mini"],
        ),
        ("brand=nobody", &[]),
        ("other=1&q=", &[]),
    ] {
        let (page, ids) = found(&format!("/v1/models/search?{query}"));
        if query == "other=1&q=" {
            assert_eq!(ids, all);
        } else {
            assert_eq!(ids, expected, "{query}");
        }
        assert_eq!(page["total"], ids.len());
    }
    let (page, _) = found("/v1/models/search?brand=google&output_modality=image");
    assert_eq!(page["brands"], json!(["google"]));
    assert_eq!(
        page["facets"],
        json!({
            "input_modality": {"text": 2, "image": 2},
            "output_modality": {"text": 1, "image": 2},
            "brand": {"google": 2},
            "free": 0,
            "discounted": 0,
        })
    );
}

#[test]
fn searches_are_sorted_and_paged() {
    let (_, ids) = found("/v1/models/search?sort=id");
    assert!(ids.is_sorted());
    let (_, back) = found("/v1/models/search?sort=id&order=desc");
    assert!(back.iter().rev().eq(&ids));
    let mut paged = Vec::new();
    for offset in (0..20).step_by(5) {
        let (page, ids) = found(&format!(
            "/v1/models/search?sort=id&limit=5&offset={offset}"
        ));
        assert_eq!(
            (&page["limit"], &page["offset"]),
            (&json!(5), &json!(offset))
        );
        assert_eq!(page["total"], 17);
        paged.extend(ids);
    }
    assert_eq!(paged, ids);
    let (page, _) = found("/v1/models/search?limit=100000");
    assert_eq!(page["limit"], 500);
    for (query, field) in [("sort=name", "/name"), ("sort=brand&order=asc", "/brand")] {
        let (page, _) = found(&format!("/v1/models/search?{query}"));
        let rows = page["items"].as_array().unwrap().iter();
        let values: Vec<&str> = rows
            .map(|it| it.pointer(field).unwrap().as_str().unwrap())
            .collect();
        assert!(values.is_sorted(), "{values:?}");
    }
    let (page, _) = found("/v1/models/search?sort=context_length&order=desc");
    let rows = page["items"].as_array().unwrap().iter();
    let known: Vec<Option<u64>> = rows.map(|it| it["context_length"].as_u64()).collect();
    assert_eq!(known[0], Some(1_048_576));
    assert!(known.is_sorted_by(|one, other| one >= other));
    let (_, ids) = found("/v1/models/search?sort=price&output_modality=image");
    assert_eq!(
        ids[..2],
        ["openai/gpt-image-1-mini", "google/imagen-4-fast"]
    );
    let (_, ids) = found("/v1/models/search?sort=price&output_modality=text&order=desc");
    assert_eq!(ids[0], "openai/gpt-4-turbo");
    assert!(ids.last().unwrap().ends_with(":free"));
}

#[test]
fn bad_parameters_of_a_search_are_told() {
    for query in [
        "free=maybe",
        "discounted=",
        "input_modality=smell",
        "output_modality=Text",
        "sort=beauty",
        "order=up",
        "limit=0",
        "limit=-1",
        "limit=many",
        "offset=-1",
        "sort=price",
        "sort=price&output_modality=audio",
        "sort=price&output_modality=text&output_modality=image",
    ] {
        let reply = get(&mut gateway(), &format!("/v1/models/search?{query}"));
        assert_eq!(reply.head.status, 400, "{query}");
        assert_eq!(code(&reply), "invalid_search_parameter", "{query}");
    }
}

#[test]
fn the_lists_that_are_being_withdrawn_answer_until_they_are_switched_off() {
    let mut gateway = gateway();
    for (path, same) in [
        ("/v1/models/free", "/v1/models?free=true"),
        ("/v1/models/paid", "/v1/models?free=false"),
    ] {
        let listed = document(&get(&mut gateway, path));
        assert_eq!(listed, document(&get(&mut gateway, same)));
        assert!(!listed.as_array().unwrap().is_empty());
        let mut later = gateway_with(|it| it.switches.withdrawn_lists = WithdrawnLists::Gone);
        assert_eq!(get(&mut later, path).head.status, 404);
    }
}

#[test]
fn prices_are_texts_with_the_oddities_of_the_live_catalogue() {
    for (pricing, free, priced) in [
        (
            Pricing::Current,
            json!({"pricing_unit": "per_1m_tokens", "input_usd_per_unit": "0E-10", "output_usd_per_unit": "0E-8", "request_usd": "None", "discount_pct": null}),
            "/pricing/image_output_usd_per_image",
        ),
        (
            Pricing::Legacy,
            json!({"prompt_usd_per_1k": "0E-10", "completion_usd_per_1k": "0E-8", "image_usd_per_image": "None", "discount_pct": null}),
            "/pricing/image_usd_per_image",
        ),
    ] {
        let mut gateway = gateway_with(|it| it.switches.pricing = pricing);
        let rows = document(&get(&mut gateway, "/v1/models?free=true"));
        assert_eq!(rows[0]["pricing"], free);
        let row = document(&get(&mut gateway, "/v1/models/openai/gpt-image-1"));
        assert_eq!(row.pointer(priced), Some(&json!("0.042")));
        let row = document(&get(&mut gateway, "/v1/models/deepseek/deepseek-chat-v3.1"));
        assert_eq!(row["pricing"]["discount_pct"], "20");
    }
}

#[test]
fn a_model_on_its_way_out_says_so() {
    let mut gateway = gateway();
    let mut told = |model: &str, content: Value| {
        let body = json!({"model": model, "messages": content});
        let reply = chat(&mut gateway, &body);
        ["deprecation", "sunset"].map(|name| header_of(&reply, name).map(str::to_owned))
    };
    let notice = [
        Some("@1782864000".to_owned()),
        Some("Fri, 01 Jan 2027 00:00:00 GMT".to_owned()),
    ];
    assert_eq!(told("openai/gpt-4-turbo", user("hi")), notice);
    let picture = json!([{"type": "image_url", "image_url": {"url": "nonsense"}}]);
    assert_eq!(told("openai/gpt-4-turbo", user(picture)), notice);
    assert_eq!(told("openai/gpt-4o", user("hi")), [None, None]);
}

#[test]
fn a_token_of_the_dashboard_reads_models_and_no_more() {
    let token = [(
        "authorization",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln",
    )];
    for (method, path, status) in [
        (Method::GET, "/v1/models", 200),
        (Method::GET, "/v1/models/search", 200),
        (Method::GET, "/v1/models/openai/gpt-4o", 200),
        (Method::GET, "/v1/api-versions", 401),
        (Method::POST, "/v1/chat/completions", 401),
    ] {
        let reply = gateway().handle(request(method, path, &token, "{}"), Moment::ORIGIN);
        assert_eq!(reply.head.status, status, "{path}");
    }
}

#[test]
fn errors_and_versions_are_listed() {
    let request_without_key = request(Method::GET, "/v1/errors", &[], "");
    let reply = gateway().handle(request_without_key, Moment::ORIGIN);
    let catalogue = document(&reply);
    let rows = catalogue["errors"].as_array().unwrap();
    let row = |code: &str| rows.iter().find(|row| row["code"] == code).unwrap();
    assert_eq!(row("provider_job_failed")["status"], 500);
    assert_eq!(row("provider_job_failed")["retryable"], false);
    assert_eq!(row("upstream_error")["retryable"], true);
    assert_eq!(row("rate_limit_exceeded")["status"], 429);
    let codes: std::collections::BTreeSet<&str> = rows
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes.len(), rows.len());
    assert!(rows.iter().all(|row| row["status"].is_u64()));

    let versions = get(&mut gateway(), "/v1/api-versions");
    assert!(document(&versions).is_array());
    let request = request(Method::GET, "/v1/api-versions", &[], "");
    assert_eq!(gateway().handle(request, Moment::ORIGIN).head.status, 401);
    let mut older = gateway_with(|it| it.switches.api_versions = ApiVersions::Absent);
    assert_eq!(get(&mut older, "/v1/api-versions").head.status, 404);
}

#[test]
fn the_list_of_models_has_the_form_that_its_client_reads() {
    const ARRAY: bool = true;
    const OBJECT: bool = false;
    for (headers, expected) in [
        (&[][..], ARRAY),
        (&[("user-agent", "curl/8.5.0")], ARRAY),
        (&[("user-agent", "python-httpx/0.28.1")], ARRAY),
        (
            &[
                ("user-agent", "python-httpx/0.28.1"),
                ("x-meshapi-sdk", "python/0.1.11"),
            ],
            ARRAY,
        ),
        (&[("x-meshapi-sdk", "rust/0.1.0")], ARRAY),
        (&[("user-agent", "OpenAI/Python 3.57.0")], OBJECT),
        (&[("user-agent", "AsyncOpenAI/Python 3.57.0")], OBJECT),
        (&[("user-agent", "OpenAI/JS 7.59.0")], OBJECT),
        (
            &[
                ("user-agent", "my-service/1.0"),
                ("x-stainless-lang", "python"),
            ],
            OBJECT,
        ),
        (&[("openai-organization", "org-1")], OBJECT),
        // A program of Mesh's that is built on OpenAI's client.
        (
            &[
                ("user-agent", "OpenAI/JS 7.59.0"),
                ("x-meshapi-sdk", "node/2.0.1"),
            ],
            ARRAY,
        ),
    ] {
        for path in ["/v1/models", "/v1/models?free=true", "/v1/models/free"] {
            let headers: Vec<_> = [("authorization", KEY)]
                .iter()
                .chain(headers)
                .copied()
                .collect();
            let ask = |switch| {
                let mut gateway = gateway_with(|it| it.switches.model_list = switch);
                let request = request(Method::GET, path, &headers, "");
                document(&gateway.handle(request, Moment::ORIGIN))
            };
            let list = ask(ModelListShape::default());
            assert_eq!(list.is_array(), expected, "{headers:?}");
            let rows = if expected { &list } else { &list["data"] };
            assert!(!rows.as_array().unwrap().is_empty(), "{headers:?}");
            assert!(ask(ModelListShape::Array).is_array());
            assert_eq!(ask(ModelListShape::Data)["object"], "list");
        }
    }
}
