//! Requests held against the catalogue and the gateway's limits.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test says when it fails"
)]

use mesh_proto::chat::{
    Effort, ImageOptions, Message, Modality, Part, ResponseFormat, Role, ServiceTier, Tool,
};
use mesh_proto::check::{Report, Severity};
use mesh_proto::image::Image;
use mesh_proto::images::{
    Background, EditRequest, ImageRequest, OutputFormat, SequentialGeneration,
};
use mesh_proto::models::Model;
use mesh_proto::{ChatRequest, Endpoint, Usd};
use serde_json::{Value, json};

fn model(row: Value) -> Model {
    let Value::Object(mut row) = row else {
        panic!("a row is an object")
    };
    row.entry("id").or_insert("acme/one".into());
    serde_json::from_value(row.into()).unwrap()
}

/// A model of which the catalogue says yes to everything that a chat may want.
fn able() -> Model {
    model(json!({
        "input_modalities": ["text", "image", "audio", "video"], "output_modalities": ["text", "image"],
        "context_length": 1000, "brand": "openai", "supports_completions_api": true, "supports_tools": true,
        "supports_structured_output": true, "supports_thinking": true, "supports_system_prompt": true, "supports_flex": true,
    }))
}

/// A model of which it says no to everything.
fn unable() -> Model {
    model(json!({
        "input_modalities": ["text"], "output_modalities": ["text"], "context_length": 100, "brand": "acme",
        "supports_completions_api": false, "supports_tools": false, "supports_structured_output": false,
        "supports_thinking": false, "supports_system_prompt": false, "supports_flex": false,
    }))
}

/// A model of which it says nothing.
fn unknown() -> Model {
    model(json!({}))
}

fn found(report: &Report) -> Vec<(Severity, &str)> {
    report
        .findings()
        .iter()
        .map(|finding| (finding.severity, finding.field.as_ref()))
        .collect()
}

/// A PNG of this size as far as its header goes.
fn png(width: u32, height: u32, length: usize) -> Image {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend(b"\x08\x06\0\0\0\0\0\0\0");
    bytes.resize(length.max(bytes.len()), 0);
    Image::from_bytes(bytes).unwrap()
}

/// A JPEG that has to be turned by 90 degrees, and is 4 pixels wide and 3 high.
const SIDEWAYS: &[u8] = b"\xff\xd8\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0\
    \xff\xc0\0\x11\x08\0\x03\0\x04\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9";

fn demanding() -> ChatRequest {
    let mut request = ChatRequest::new("acme/one")
        .system("Be brief.")
        .tool(Tool::function("look", "Looks", json!({})))
        .message(Message::new(
            Role::User,
            vec![
                Part::from("What is this?"),
                Part::from(png(64, 64, 0)),
                serde_json::from_value(json!({"type": "input_audio", "input_audio": {}})).unwrap(),
                serde_json::from_value(json!({"type": "video_url", "video_url": {}})).unwrap(),
            ],
        ));
    request.max_tokens = Some(1000);
    request.reasoning_effort = Some(Effort::High);
    request.service_tier = Some(ServiceTier::Flex);
    request.response_format = Some(ResponseFormat::JsonSchema {
        name: "a".to_owned(),
        schema: json!({}),
        strict: None,
    });
    request.image = Some(ImageOptions::new());
    request
}

#[test]
fn what_the_catalogue_speaks_against_is_a_warning_and_what_it_does_not_say_is_silence() {
    let mut request = demanding();
    assert_eq!(found(&request.check(&able())), []);
    request.service_tier = None;
    assert_eq!(found(&request.check(&unknown())), []);
    let request = demanding();
    let report = request.check(&unable());
    let warned = |field| (Severity::Warning, field);
    assert_eq!(
        found(&report),
        [
            warned("model"),
            warned("max_tokens"),
            warned("tools"),
            warned("response_format"),
            warned("reasoning_effort"),
            warned("service_tier"),
            warned("service_tier"),
            warned("image"),
            warned("messages[0]"),
            warned("messages[1].content[1]"),
            warned("messages[1].content[2]"),
            warned("messages[1].content[3]"),
        ]
    );
    assert_eq!(report.pictures(), 1);
    assert_eq!(report.to_string().lines().count(), report.findings().len());
    assert!(report.to_string().contains(
        "warning: messages[1].content[1]: the catalogue says that the model takes no image"
    ));

    let mut modest = ChatRequest::new("acme/one").user("What is a fox?");
    modest.reasoning_effort = Some(Effort::None);
    modest.max_tokens = Some(100);
    modest.response_format = Some(ResponseFormat::JsonObject);
    assert_eq!(found(&modest.check(&unable())), [warned("model")]);
    assert_eq!(modest.check(&able()).worst(), None);
}

#[test]
fn the_body_is_measured_as_it_is_sent() {
    let target = mesh_proto::Target::production(mesh_proto::ApiKey::new("rsk_1").unwrap());
    let request = demanding();
    let sent = request.request(&target).unwrap().body().len();
    assert_eq!(request.check(&able()).body_bytes(), Some(sent));
    let image = ImageRequest::new("acme/one", "A fox").reference(png(64, 64, 500));
    let sent = image.request(&target).unwrap().body().len();
    assert_eq!(image.check(&able()).body_bytes(), Some(sent));

    let small = png(64, 64, 0);
    let large = png(64, 64, 25_200_000);
    let request = ChatRequest::new("acme/one").user(("What?", [small, large]));
    let report = request.check(&able());
    assert!(report.body_bytes().is_some_and(|size| size > 33_554_432));
    assert_eq!(
        found(&report),
        [
            (Severity::Warning, "messages[0].content[2]"),
            (Severity::Problem, "body")
        ]
    );
    assert!(report.findings()[0].text.contains("25 MiB"), "{report}");
    assert!(report.findings()[1].text.contains("picture 2"), "{report}");
}

#[test]
fn what_cannot_be_built_is_a_problem_at_its_field() {
    let mut request = ChatRequest::new("acme/one");
    request.temperature = Some(3.0);
    assert_eq!(
        found(&request.check(&able())),
        [(Severity::Problem, "messages")]
    );
    let mut image = ImageRequest::new("acme/one", "A fox");
    image.n = Some(11);
    let draws = model(json!({"output_modalities": ["image"]}));
    assert_eq!(found(&image.check(&draws)), [(Severity::Problem, "n")]);
}

#[test]
fn pictures_are_looked_at_closely() {
    let told = |image: Image| {
        let report = ChatRequest::new("acme/one").user(image).check(&able());
        assert!(
            report
                .findings()
                .iter()
                .all(|it| it.field == "messages[0].content[0]")
        );
        report
            .findings()
            .iter()
            .map(|it| (it.severity, it.text.clone()))
            .collect::<Vec<_>>()
    };
    let any = |bytes: &'static [u8]| Image::from_bytes_of_any_type(bytes).unwrap();
    let stored = |url: &str| serde_json::from_value::<Image>(json!({"url": url})).unwrap();
    let inline = stored(
        serde_json::to_value(any(SIDEWAYS)).unwrap()["url"]
            .as_str()
            .unwrap(),
    );
    for (image, severity, says) in [
        (
            any(SIDEWAYS),
            Severity::Warning,
            "turned by 90 degrees clockwise",
        ),
        (inline, Severity::Warning, "stored sideways"),
        (
            any(b"\0\0\0\x18ftypheic\0\0\0\0heic"),
            Severity::Warning,
            "HEIC, which few providers take",
        ),
        (
            any(b"\x89PNG\r\n\x1a\n"),
            Severity::Warning,
            "states no size",
        ),
        (png(0, 9, 0), Severity::Warning, "states no size"),
        (png(2049, 10, 0), Severity::Advice, "2049 × 10 pixels"),
        (png(10, 8001, 0), Severity::Warning, "more than 8000"),
        (
            stored("https://example.com/a.png"),
            Severity::Advice,
            "behind a URL",
        ),
        (
            stored("HTTP://example.com/a.png"),
            Severity::Warning,
            "without encryption",
        ),
        (stored("iVBORw0KGgo="), Severity::Problem, "mere base64"),
        (
            stored("data:image/png;base64,!"),
            Severity::Problem,
            "not base64",
        ),
        (
            stored("data:image/png;base64,JVBERi0xLjc="),
            Severity::Problem,
            "a PDF document",
        ),
        (
            stored("data:text/plain,hello"),
            Severity::Problem,
            "not a picture but text",
        ),
    ] {
        let told = told(image);
        assert_eq!(told.len(), 1, "{says}: {told:?}");
        assert_eq!(told[0].0, severity, "{says}");
        assert!(told[0].1.contains(says), "{told:?}");
    }
    let declared = format!("data:image/jpeg;base64,{}", {
        let url = serde_json::to_value(png(4, 4, 0)).unwrap();
        url["url"]
            .as_str()
            .unwrap()
            .rsplit_once(',')
            .unwrap()
            .1
            .to_owned()
    });
    let told_of_type = told(stored(&declared));
    assert_eq!(told_of_type.len(), 1, "{told_of_type:?}");
    assert!(
        told_of_type[0]
            .1
            .contains("declared as image/jpeg, and it is image/png")
    );
    assert_eq!(told(png(2048, 2048, 0)), []);
    let photo = include_bytes!("../../../examples/photos/rocket.jpg");
    assert_eq!(told(Image::from_bytes(&photo[..]).unwrap()), []);

    let many = vec![png(4, 4, 0); 11];
    let report = ChatRequest::new("acme/one")
        .user(("Compare", many))
        .check(&able());
    assert_eq!(found(&report), [(Severity::Advice, "body")]);
    assert_eq!(report.pictures(), 11);
}

#[test]
fn pictures_that_are_not_attached_are_noticed() {
    let inline = "Look: data:image/png;base64,iVBORw0KGgo=";
    let report = ChatRequest::new("acme/one").user(inline).check(&able());
    assert_eq!(found(&report), [(Severity::Warning, "messages[0].content")]);
    let result = Message::tool_result("call_1", png(4, 4, 0));
    let report = ChatRequest::new("acme/one").message(result).check(&able());
    assert_eq!(found(&report), [(Severity::Advice, "messages[0]")]);
}

#[test]
fn a_report_of_another_model_says_so() {
    for (named, says) in [
        (Some("acme/two"), "another model"),
        (Some("Acme/One"), "case-sensitive"),
        (Some("auto"), "the gateway chooses"),
        (None, "default model"),
    ] {
        let mut request = ChatRequest::new("acme/one").user("Hi");
        request.model = named.map(str::to_owned);
        let report = request.check(&priced("2", "8"));
        assert_eq!(found(&report), [(Severity::Advice, "model")]);
        assert!(report.findings()[0].text.contains(says), "{report}");
        assert_eq!(report.cost(), None);
    }
}

#[test]
fn drawing_is_checked_against_who_draws() {
    let mut request = ImageRequest::new("acme/one", "A fox").reference(png(4, 4, 0));
    request.output_format = Some(OutputFormat::Jpeg);
    request.background = Some(Background::Transparent);
    let reads = model(
        json!({"output_modalities": ["text"], "input_modalities": ["text"], "supports_image_reference": false}),
    );
    let report = request.check(&reads);
    assert_eq!(
        found(&report),
        [
            (Severity::Warning, "model"),
            (Severity::Advice, "output_format"),
            (Severity::Warning, "background"),
            (Severity::Warning, "image"),
            (Severity::Warning, "image"),
        ]
    );
    let plain = ImageRequest::new("acme/one", "A fox");
    assert_eq!(found(&plain.check(&unknown())), []);
    assert_eq!(
        found(&plain.check(&model(json!({"is_composite": true})))),
        [(Severity::Warning, "model")]
    );
    assert_eq!(
        found(&plain.check(&able())),
        [(Severity::Warning, "model")],
        "it talks and draws"
    );
    let two = plain.reference(png(9000, 4, 0)).reference(png(4, 9000, 0));
    assert_eq!(
        found(&two.check(&unknown())),
        [
            (Severity::Warning, "image[0]"),
            (Severity::Warning, "image[1]")
        ]
    );
}

fn priced(input: &str, output: &str) -> Model {
    model(json!({
        "context_length": 1000,
        "pricing": {"pricing_unit": "per_1m_tokens", "input_usd_per_unit": input, "output_usd_per_unit": output},
    }))
}

/// The bounds of a cost.
fn bounds(report: &Report) -> Option<(Option<&str>, Option<&str>)> {
    let cost = report.cost()?;
    assert!(!cost.basis.is_empty() && cost.to_string().contains("USD"));
    Some((
        cost.least.as_ref().map(Usd::as_str),
        cost.most.as_ref().map(Usd::as_str),
    ))
}

#[test]
fn a_chats_cost_is_bounded_only_where_that_is_honest() {
    let mut request = ChatRequest::new("acme/one").user("0123456789");
    request.max_tokens = Some(100);
    // (10 bytes + 32 around the message + 32 around all) × 2 + 100 × 8, per million.
    let most = |request: &ChatRequest, model: &Model| {
        bounds(&request.check(model)).map(|it| it.1.unwrap().to_owned())
    };
    assert_eq!(
        bounds(&request.check(&priced("2", "8"))),
        Some((None, Some("0.000948")))
    );
    request.max_tokens = None;
    assert_eq!(
        most(&request, &priced("2", "8")).as_deref(),
        Some("0.008148"),
        "the context bounds the answer"
    );

    let retired = model(
        json!({"context_length": 1000, "pricing": {"prompt_usd_per_1k": "0.002", "completion_usd_per_1k": "0.008"}}),
    );
    assert_eq!(most(&request, &retired).as_deref(), Some("0.008148"));
    let with_fee = model(
        json!({"context_length": 1000, "pricing": {"prompt_usd_per_1k": "0.002", "completion_usd_per_1k": "0.008", "request_usd": "1"}}),
    );
    assert_eq!(
        bounds(&request.check(&with_fee)),
        Some((None, Some("1.008148")))
    );

    for unknown in [
        priced("None", "8"),
        priced("2", "None"),
        priced("2", "0E-8"),
        priced("0E-10", "0E-8"),
        model(json!({"pricing": null})),
        model(
            json!({"is_free": true, "pricing": {"prompt_usd_per_1k": "0.002", "completion_usd_per_1k": "0.008"}}),
        ),
        model(
            json!({"pricing": {"pricing_unit": "per_hour", "input_usd_per_unit": "2", "output_usd_per_unit": "8"}}),
        ),
    ] {
        assert_eq!(
            bounds(&request.check(&unknown)),
            None,
            "{:?}",
            unknown.pricing
        );
    }
    let free = model(
        json!({"is_free": true, "pricing": {"pricing_unit": "per_1m_tokens", "input_usd_per_unit": "0E-10"}}),
    );
    assert_eq!(bounds(&request.check(&free)), Some((Some("0"), Some("0"))));
    assert!(
        request
            .check(&free)
            .cost()
            .unwrap()
            .exact()
            .unwrap()
            .is_zero()
    );

    let of_unknown_size: [fn(&mut ChatRequest); 7] = [
        |it| it.reasoning_effort = Some(Effort::Low),
        |it| *it = it.clone().user(png(4, 4, 0)),
        |it| *it = it.clone().tool(Tool::function("look", "Looks", json!({}))),
        |it| it.models = vec!["acme/two".to_owned()],
        |it| it.template = Some("t".to_owned()),
        |it| it.modality = Some(Modality::Image),
        |it| drop(it.extra.insert("n".to_owned(), json!(3))),
    ];
    for change in of_unknown_size {
        let mut changed = request.clone();
        change(&mut changed);
        assert_eq!(
            bounds(&changed.check(&priced("2", "8"))),
            None,
            "{changed:?}"
        );
    }
}

#[test]
fn drawing_costs_its_price_times_its_number() {
    let cost = |row: Value, change: fn(&mut ImageRequest)| {
        let mut request = ImageRequest::new("acme/one", "A fox");
        change(&mut request);
        let report = request.check(&model(row));
        bounds(&report).map(|(least, most)| (least.map(str::to_owned), most.map(str::to_owned)))
    };
    let both = |amount: &str| Some((Some(amount.to_owned()), Some(amount.to_owned())));
    let at_least = |amount: &str| Some((Some(amount.to_owned()), None));
    let three = |request: &mut ImageRequest| request.n = Some(3);
    let current = json!({"pricing": {"pricing_unit": "per_image", "output_usd_per_unit": "0.042", "image_output_size": "1024x1024"}});
    assert_eq!(cost(current.clone(), |_| {}), both("0.042"));
    assert_eq!(cost(current.clone(), three), both("0.126"));
    assert_eq!(
        cost(json!({"pricing": {"image_usd_per_image": 0.042}}), three),
        both("0.126")
    );
    assert_eq!(
        cost(
            json!({"pricing": {"image_output_usd_per_image": "0.042", "request_usd": "0.01"}}),
            three
        ),
        both("0.136")
    );
    assert_eq!(cost(json!({"is_free": true}), three), both("0"));
    for size in ["1024X1024", "1024\u{d7}1024", " auto "] {
        let mut request = ImageRequest::new("acme/one", "A fox");
        request.size = Some(size.to_owned());
        assert_eq!(
            bounds(&request.check(&model(current.clone()))),
            Some((Some("0.042"), Some("0.042"))),
            "{size}"
        );
    }
    assert_eq!(
        cost(current.clone(), |it| it.size = Some("2048x2048".to_owned())),
        None,
        "a price of another size"
    );
    assert_eq!(
        cost(current.clone(), |it| it.aspect_ratio =
            Some("16:9".to_owned())),
        None
    );
    assert_eq!(
        cost(
            json!({"pricing": {"image_output_usd_per_image": "0E-10", "image_usd_per_image": "None"}}),
            three
        ),
        None
    );

    let draws_more: [fn(&mut ImageRequest); 3] = [
        |it| it.sequential_image_generation = Some(SequentialGeneration::Auto),
        |it| it.partial_images = Some(2),
        |it| *it = it.clone().reference(png(4, 4, 0)),
    ];
    for change in draws_more {
        assert_eq!(cost(current.clone(), change), at_least("0.042"));
    }
    let with_references = json!({"pricing": {"image_output_usd_per_image": "0.042", "image_input_usd_per_image": "0.001"}});
    assert_eq!(
        cost(with_references, |it| *it =
            it.clone().reference(png(4, 4, 0)).reference(png(4, 4, 0))),
        both("0.044")
    );
    let with_prompt = json!({"pricing": {"pricing_unit": "per_1m_tokens", "input_usd_per_unit": "5", "image_output_usd_per_image": "0.042"}});
    // 5 bytes + 64 around them, × 5 per million.
    assert_eq!(
        cost(with_prompt, |_| {}),
        Some((Some("0.042".to_owned()), Some("0.042345".to_owned())))
    );
    let discounted =
        json!({"discount_pct": 10, "pricing": {"image_output_usd_per_image": "0.042"}});
    assert_eq!(
        cost(discounted, |_| {}),
        Some((None, Some("0.042".to_owned())))
    );
    assert_eq!(
        cost(current, |it| drop(
            it.extra.insert("style".to_owned(), json!("vivid"))
        )),
        None
    );
}

#[test]
fn a_report_holds_nothing_of_the_request() {
    let mut request = ChatRequest::new("acme/canary").system("canary").user((
        "canary",
        serde_json::from_value::<Image>(json!({"url": "ftp://canary"})).unwrap(),
    ));
    request.reasoning_effort = Some(Effort::Other("canary".to_owned()));
    let report = request.check(&unable());
    assert!(report.findings().len() > 3);
    assert!(!format!("{report} {report:?}").contains("canary"));
}

#[test]
fn an_edit_is_held_against_its_operation_its_pictures_and_its_mask() {
    let photo = || png(64, 48, 200);
    let quiet = EditRequest::inpaint("acme/one", photo(), photo(), "");
    let able = model(
        json!({"supports_image_inpaint": true, "output_modalities": ["image"], "input_modalities": ["image", "text"]}),
    );
    let report = quiet.check(&able);
    assert_eq!(found(&report), []);
    assert_eq!(report.pictures(), 2);
    // A form has the files' own bytes.
    assert!(report.body_bytes().unwrap() > 2 * 200);
    assert_eq!(found(&quiet.check(&unknown())), []);

    let unable = model(json!({"supports_image_inpaint": false, "output_modalities": ["text"]}));
    assert_eq!(
        found(&quiet.check(&unable)),
        [
            (Severity::Warning, "model"),
            (Severity::Warning, "operation")
        ]
    );
    let other_size = EditRequest::inpaint("acme/one", photo(), png(32, 48, 0), "");
    assert_eq!(
        found(&other_size.check(&able)),
        [(Severity::Warning, "mask")]
    );
    let remote = Image::from_url("https://example.com/a.png").unwrap();
    let remote = EditRequest::inpaint("acme/one", remote, photo(), "");
    assert_eq!(found(&remote.check(&able)), [(Severity::Problem, "image")]);
    let bare = json!({"model": "acme/one", "operation": "inpaint", "image": "iVBORw0KGgo=", "mask": "iVBORw0KGgo="});
    let bare: EditRequest = serde_json::from_value(bare).unwrap();
    let said = found(&bare.check(&able))
        .iter()
        .all(|it| it.0 == Severity::Warning);
    assert!(said, "base64 is welcome here: {}", bare.check(&able));

    let priced =
        model(json!({"pricing": {"pricing_unit": "per_image", "output_usd_per_unit": "0.04"}}));
    let mut edit = EditRequest::new("acme/one", photo(), "night");
    edit.n = Some(2);
    let report = edit.check(&priced);
    let cost = report.cost().unwrap();
    assert_eq!(cost.least, Some("0.08".parse::<Usd>().unwrap()));
    assert_eq!(cost.most, None);
}
