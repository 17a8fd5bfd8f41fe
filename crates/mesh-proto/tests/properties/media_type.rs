//! What bytes are and how large is told of anything, and agrees with what may be sent.

use mesh_proto::image::{Dimensions, GeneratedImage, Image, MediaType, describe, is_xcode_png};

use super::{look_at, shows_no_base64};

pub(super) fn hold(data: &[u8]) {
    let sniffed = MediaType::sniff(data);
    let size = Dimensions::read(data);
    let is_portable = sniffed.as_ref().is_some_and(MediaType::is_portable);
    assert!(size.is_none() || is_portable);
    shows_no_base64(&describe(data));

    let bytes = data.to_vec();
    let sent = Image::from_bytes(bytes.clone());
    assert_eq!(sent.is_ok(), is_portable && !is_xcode_png(data));
    assert!(size.is_none() || !is_xcode_png(data));
    let any = Image::from_bytes_of_any_type(bytes.clone());
    assert_eq!(any.is_ok(), sniffed.is_some());
    if let Ok(image) = any {
        assert_eq!(image.media_type(), sniffed);
        assert_eq!(image.dimensions(), size);
        let stored = serde_json::to_string(&image).unwrap();
        assert_eq!(image, serde_json::from_str(&stored).unwrap());
    }
    if let Err(error) = sent {
        shows_no_base64(&error.to_string());
        shows_no_base64(&format!("{error:?}"));
    }
    let came = GeneratedImage::from_bytes(bytes);
    look_at(std::slice::from_ref(&came));
    assert_eq!(came.media_type().ok().map(|(it, _)| it), sniffed);

    if let Ok(text) = std::str::from_utf8(data)
        && let Some(declared) = MediaType::declared(text)
    {
        assert_eq!(
            MediaType::declared(declared.as_str()),
            Some(declared.clone())
        );
        assert!(
            declared
                .as_str()
                .bytes()
                .all(|byte| byte.is_ascii_graphic())
        );
        // A declaration makes no PNG, JPEG, GIF or WebP of bytes that are none.
        let believed = GeneratedImage::from_bytes(data.to_vec())
            .with_declared(Some(declared.clone()))
            .media_type();
        if let Ok((media_type, _)) = believed
            && sniffed.is_none()
        {
            assert!(media_type == declared && !declared.is_portable());
        }
        assert!(!declared.extension().is_empty() && !declared.extension().contains('/'));
    }
}
