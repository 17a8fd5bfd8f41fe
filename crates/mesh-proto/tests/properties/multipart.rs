//! A form, taken apart as a server does it, is the fields that were put in: nothing in a name, a
//! file name, a media type or a content makes another field.

use arbitrary::{Arbitrary, Unstructured};
use mesh_proto::body::Form;
use mesh_proto::image::MediaType;

#[derive(Arbitrary, Debug)]
struct Fields(Vec<Field>);

#[derive(Arbitrary, Debug)]
enum Field {
    Text(String, String),
    File(String, String, String, Vec<u8>),
}

/// A field as a server reads it.
#[derive(Debug, PartialEq)]
struct Part {
    name: String,
    file_name: Option<String>,
    media_type: Option<String>,
    content: Vec<u8>,
}

pub(super) fn hold(data: &[u8]) {
    let Ok(Fields(mut fields)) = Fields::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    // Who knows the boundary of a form puts it into the next one.
    let (boundary, _) = encode(&fields);
    for content in [boundary.clone(), format!("\r\n--{boundary}--\r\n")] {
        fields.push(Field::Text(content.clone(), content.clone()));
        let bytes = content.clone().into_bytes();
        fields.push(Field::File(
            content.clone(),
            content,
            "image/png".to_owned(),
            bytes,
        ));
    }
    let (boundary, bytes) = encode(&fields);
    let parts: Vec<Part> = fields.iter().map(expected).collect();
    assert_eq!(taken_apart(&boundary, &bytes), parts);
}

fn encode(fields: &[Field]) -> (String, Vec<u8>) {
    let mut form = Form::new();
    for field in fields {
        form = match field {
            Field::Text(name, text) => form.text(name, text.clone()),
            Field::File(name, file_name, media_type, bytes) => {
                let media_type = MediaType::declared(media_type).unwrap_or(MediaType::PNG);
                form.file(name, file_name, &media_type, bytes.clone())
            }
        };
    }
    let encoded = form.encode().unwrap();
    let mut bytes = vec![0; usize::try_from(encoded.body.len()).unwrap()];
    assert_eq!(encoded.body.reader().read(&mut bytes), bytes.len());
    let content_type = encoded.content_type.to_str().unwrap();
    let boundary = content_type
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    assert!(boundary.len() <= 70 && boundary.bytes().all(is_plain));
    (boundary.to_owned(), bytes)
}

fn expected(field: &Field) -> Part {
    let escaped = |text: &str| {
        text.replace('"', "%22")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    match field {
        Field::Text(name, text) => Part {
            name: escaped(name),
            file_name: None,
            media_type: None,
            content: text.clone().into_bytes(),
        },
        Field::File(name, file_name, media_type, bytes) => Part {
            name: escaped(name),
            file_name: Some(escaped(file_name)),
            media_type: Some(
                MediaType::declared(media_type)
                    .unwrap_or(MediaType::PNG)
                    .to_string(),
            ),
            content: bytes.clone(),
        },
    }
}

/// RFC 2046, section 5.1.1, and RFC 7578, section 4.2, by the letter.
fn taken_apart(boundary: &str, bytes: &[u8]) -> Vec<Part> {
    // What stands before the first boundary would end with a line break.
    let bytes = [b"\r\n", bytes].concat();
    let mut sections = split(&bytes, format!("\r\n--{boundary}").as_bytes());
    assert_eq!(sections.remove(0), b"", "a preamble");
    assert_eq!(
        sections.pop(),
        Some(&b"--\r\n"[..]),
        "no end, or an epilogue"
    );
    sections.into_iter().map(part).collect()
}

fn part(section: &[u8]) -> Part {
    let section = section.strip_prefix(b"\r\n").expect("a line break");
    let end = section
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a blank line");
    let head = std::str::from_utf8(&section[..end]).unwrap();
    let mut part = Part {
        name: String::new(),
        file_name: None,
        media_type: None,
        content: section[end + 4..].to_vec(),
    };
    for line in head.split("\r\n") {
        let (name, value) = line.split_once(": ").expect("a header");
        match name {
            "Content-Disposition" => {
                let rest = value.strip_prefix("form-data; name=\"").unwrap();
                let (name, rest) = rest.split_once('"').unwrap();
                name.clone_into(&mut part.name);
                part.file_name = rest.strip_prefix("; filename=\"").map(|rest| {
                    let (file_name, rest) = rest.split_once('"').unwrap();
                    assert_eq!(rest, "", "more than a name and a file name");
                    file_name.to_owned()
                });
                assert!(part.file_name.is_some() || rest.is_empty());
            }
            "Content-Type" => part.media_type = Some(value.to_owned()),
            other => panic!("the header {other:?}"),
        }
    }
    part
}

fn split<'b>(mut bytes: &'b [u8], mark: &[u8]) -> Vec<&'b [u8]> {
    let mut sections = Vec::new();
    while let Some(at) = bytes.windows(mark.len()).position(|window| window == mark) {
        sections.push(&bytes[..at]);
        bytes = &bytes[at + mark.len()..];
    }
    sections.push(bytes);
    sections
}
