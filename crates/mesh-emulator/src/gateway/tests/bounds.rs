//! Requests that ask for more work than they are worth.

use std::cell::Cell;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// Posts a body as it stands.
fn send(path: &str, body: String) -> Reply {
    let mut request = request(Method::POST, path, &[("authorization", KEY)], "");
    *request.body_mut() = body.into();
    gateway().handle(request, Moment::ORIGIN)
}

#[test]
fn a_hundred_findings_are_told() {
    let many = |item: &str, count: usize| vec![item; count].join(",");
    let chat = "/v1/chat/completions";
    let hello = r#""messages":[{"role":"user","content":"hi"}]"#;
    for (path, body) in [
        (chat, format!("{{\"messages\":[{}]}}", many("{}", 300))),
        (chat, format!("{{\"messages\":[{}]}}", many("{}", 200_000))),
        (
            chat,
            format!("{{\"messages\":[{}]}}", many("{}", 1_000_000)),
        ),
        (chat, format!("{{\"messages\":[{}]}}", many("7", 1_000_000))),
        (
            chat,
            format!(
                "{{\"messages\":[{{\"role\":\"user\",\"content\":[{}]}}]}}",
                many("{}", 300_000)
            ),
        ),
        (
            chat,
            format!(
                "{{\"messages\":[{{\"role\":\"assistant\",\"tool_calls\":[{}]}}]}}",
                many("{}", 300_000)
            ),
        ),
        (
            chat,
            format!("{{{hello},\"tools\":[{}]}}", many("{}", 300_000)),
        ),
        (
            chat,
            format!("{{{hello},\"models\":[{}]}}", many("7", 300_000)),
        ),
        (
            chat,
            format!("{{{hello},\"stop\":[{}]}}", many("7", 300_000)),
        ),
        (
            chat,
            format!("{{{hello},\"transforms\":[{}]}}", many("{}", 300_000)),
        ),
        (
            "/v1/images/generations",
            format!("{{\"prompt\":\"x\",\"image\":[{}]}}", many("{}", 300_000)),
        ),
        (
            "/v1/images/edits",
            format!("{{\"reference_images\":[{}]}}", many("{}", 300_000)),
        ),
    ] {
        let reply = send(path, body.clone());
        assert_eq!(reply.head.status, 422, "{body:.80}");
        let told = document(&reply);
        let findings = told["detail"].as_array().unwrap();
        assert_eq!(findings.len(), 100, "{body:.80}");
        assert!(whole(&reply).len() < 50_000);
    }
}

#[test]
fn a_body_of_too_many_values_is_told_as_that() {
    let extra = format!("[{}0]", "0,".repeat(1_000_000));
    let hello = r#""messages":[{"role":"user","content":"hi"}]"#;
    let reply = send(
        "/v1/chat/completions",
        format!("{{{hello},\"unknown\":{extra}}}"),
    );
    assert_eq!(reply.head.status, 422);
    let told = document(&reply);
    assert_eq!(told["detail"][0]["loc"], json!(["body"]));
    assert_eq!(told["detail"][0]["type"], "too_long");
    // As many as are read are fine.
    let extra = format!("[{}0]", "0,".repeat(100_000));
    let reply = send(
        "/v1/chat/completions",
        format!("{{{hello},\"unknown\":{extra}}}"),
    );
    assert_eq!(reply.head.status, 200);
}

#[test]
fn a_long_text_is_answered_from_its_beginning() {
    let long = "a red fox, ".repeat(200_000);
    let image = json!({"size": "32x32"});
    let drawn = json!({"model": "openai/gpt-image-1", "messages": user(&*long), "image": image});
    assert_eq!(
        ask(&mut gateway(), &drawn)["choices"][0]["finish_reason"],
        "stop"
    );
    let generated = generate(&mut gateway(), &json!({"prompt": long, "size": "32x32"}));
    assert_eq!(generated.head.status, 200);
    let refused = json!({"prompt": format!("{long} refuse this"), "size": "32x32"});
    assert_eq!(
        document(&generate(&mut gateway(), &refused))["data"],
        json!([])
    );
    let words = json!({"messages": user("word ".repeat(60_000))});
    let reply = ask(&mut gateway(), &words);
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("60000 words"), "{text}");
}

/// A PNG that is black all over: a hundred million pixels are some kilobytes.
fn black(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let picture = image::GrayImage::new(width, height);
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[test]
fn the_pixels_and_the_number_of_pictures_of_a_request_are_bounded() {
    let part = |bytes: &[u8]| {
        let url = format!("data:image/png;base64,{}", STANDARD.encode(bytes));
        json!({"type": "image_url", "image_url": {"url": url}})
    };
    let large = part(&black(8000, 8000));
    let reply = chat(&mut gateway(), &json!({"messages": user(vec![large; 4])}));
    assert_eq!(code(&reply), "invalid_input");
    let body = document(&reply);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("200 million pixels together"), "{message}");

    let small = part(&black(1, 1));
    let reply = chat(
        &mut gateway(),
        &json!({"messages": user(vec![small.clone(); 501])}),
    );
    assert_eq!(code(&reply), "invalid_request");
    // Those of earlier messages count, too.
    let turn = json!({"role": "user", "content": [small]});
    let reply = chat(&mut gateway(), &json!({"messages": vec![turn; 501]}));
    assert_eq!(code(&reply), "invalid_request");

    let image = STANDARD.encode(black(7000, 7000));
    let edit = json!({
        "model": "openai/gpt-image-1", "prompt": "darker",
        "image": STANDARD.encode(black(8, 8)), "reference_images": vec![image; 5],
    });
    assert_eq!(
        code(&post(&mut gateway(), "/v1/images/edits", &edit)),
        "invalid_input"
    );
    let many = json!({
        "model": "openai/gpt-image-1", "prompt": "darker",
        "image": "AAAA", "reference_images": vec!["AAAA"; 17],
    });
    assert_eq!(
        post(&mut gateway(), "/v1/images/edits", &many).head.status,
        422
    );
}

#[test]
fn work_stops_once_nobody_wants_it() {
    let picture = STANDARD.encode(black(8, 8));
    let url = format!("data:image/png;base64,{picture}");
    let shown = json!({"type": "image_url", "image_url": {"url": url}});
    for (path, body) in [
        (
            "/v1/images/generations",
            json!({"prompt": "a fox", "n": 10, "size": "16x16"}),
        ),
        (
            "/v1/chat/completions",
            json!({"model": "openai/gpt-image-1", "image": {"n": 10, "size": "16x16"}, "messages": user("a fox")}),
        ),
        (
            "/v1/chat/completions",
            json!({"messages": user(vec![shown; 10])}),
        ),
        (
            "/v1/images/edits",
            json!({"model": "openai/gpt-image-1", "prompt": "darker", "image": picture, "n": 10}),
        ),
    ] {
        let headers = [("authorization", KEY)];
        let request = request(Method::POST, path, &headers, &body.to_string());
        let mut gateway = gateway();
        let asked = Cell::new(0);
        let wanted = || {
            asked.set(asked.get() + 1);
            asked.get() < 4
        };
        let answered = gateway.admit(request, Moment::ORIGIN).answer_while(&wanted);
        let reply = gateway.settle(answered, Moment::ORIGIN);
        assert_eq!(reply.head.status, 499, "{path}");
        assert_eq!(asked.get(), 4, "{path}");
    }
}
