//! Files with a false type, or made to do harm, are refused or harmless, and never cause a panic.

use std::time::{Duration, Instant};

use image::ImageFormat;
use miniaccount::media::{PictureError, avatar};
use proptest::prelude::*;

use super::{assert_none, encoded, jpeg, png, quarters, upload, webp};

/// A PNG with this many pixels of one colour: a few kilobytes of zeros.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; (width.div_ceil(8) * height) as usize]).unwrap();
    drop(writer);
    bytes
}

/// A picture whose header claims other dimensions: JPEG, PNG or lossless WebP.
fn with_sides(bytes: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    match bytes[0] {
        0xff => {
            let place = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
            let [width, height] = [width, height].map(|side| u16::try_from(side).unwrap().to_be_bytes());
            bytes[place + 5..place + 9].copy_from_slice(&[height, width].concat());
        }
        b'R' => {
            let head = (width - 1) | (height - 1) << 14;
            bytes[21..25].copy_from_slice(&head.to_le_bytes());
        }
        _ => {
            bytes[16..24].copy_from_slice(&[width.to_be_bytes(), height.to_be_bytes()].concat());
            let sum = !bytes[12..29].iter().fold(!0_u32, |sum, byte| {
                (0..8)
                    .fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
            });
            bytes[29..33].copy_from_slice(&sum.to_be_bytes());
        }
    }
    bytes
}

/// A lossy WebP whose container claims small dimensions, and whose bitstream has large ones.
fn lying_webp() -> Vec<u8> {
    let frame = [&[0x10, 0x32, 0x00, 0x9d, 0x01, 0x2a, 0xff, 0x3f, 0xff, 0x3f][..], &[0; 200]].concat();
    let mut chunks = b"WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0VP8 ".to_vec();
    chunks.extend(u32::try_from(frame.len()).unwrap().to_le_bytes());
    chunks.extend(frame);
    [b"RIFF", &u32::try_from(chunks.len()).unwrap().to_le_bytes()[..], &chunks].concat()
}

/// A JPEG with many progressive scans.
fn many_scans() -> Vec<u8> {
    let jpeg = jpeg();
    let place = jpeg.windows(2).position(|marker| marker == [0xff, 0xda]).unwrap();
    let scan = &jpeg[place..jpeg.len() - 2];
    [&jpeg[..place], &scan.repeat(200), &[0xff, 0xd9]].concat()
}

#[test]
fn other_formats_are_refused_despite_their_file_name() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    let avif = b"\0\0\0\x20ftypavif\0\0\0\0avifmif1";
    for bytes in [
        &b""[..],
        b"x",
        svg,
        gif,
        avif,
        b"<!DOCTYPE html><script>",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVE",
        b"BM",
        b"\xff\xd8",
    ] {
        assert_eq!(avatar(bytes).unwrap_err(), PictureError::UnknownType, "{bytes:?}");
    }
    // pictures after other content
    assert_eq!(avatar(&[&b"<!--"[..], &jpeg()].concat()).unwrap_err(), PictureError::UnknownType);
    for magic in [&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\x04\0\0\0WEBP"] {
        assert_eq!(avatar(magic).unwrap_err(), PictureError::Broken, "{magic:?}");
        assert_eq!(avatar(&[magic, svg].concat()).unwrap_err(), PictureError::Broken, "{magic:?}");
    }
}

#[test]
fn truncated_picture_is_refused() {
    for whole in [jpeg(), png(), webp(), encoded(&quarters(1700, 1300), ImageFormat::Jpeg)] {
        // after the pixels of a PNG comes only its end chunk
        for kept in [whole.len() - 20, whole.len() / 2, whole.len() / 4, 40, 20] {
            assert_eq!(avatar(&whole[..kept]).unwrap_err(), PictureError::Broken, "{kept} of {}", whole.len());
        }
    }
}

#[test]
fn more_than_25_megapixels_are_refused_by_their_header() {
    let began = Instant::now();
    for bytes in [jpeg(), png(), webp()] {
        let longest = if bytes[0] == b'R' { 16_383 } else { 65_535 };
        for (width, height) in [(longest, longest), (5001, 5000), (12_000, 2084)] {
            let lying = with_sides(&bytes, width, height);
            assert_eq!(avatar(&lying).err(), Some(PictureError::TooManyPixels), "{width}x{height} {:?}", &bytes[..4]);
        }
        for (width, height) in [(5000, 5000), (10_000, 2500)] {
            // the dimensions are allowed, but the pixels are missing: the decoder fills them with grey, or refuses the
            // file
            let refused = avatar(&with_sides(&bytes, width, height)).err();
            assert!(refused == Some(PictureError::Broken) || refused.is_none() && bytes[0] == 0xff, "{refused:?}");
        }
    }
    let bomb = bomb(20_000, 20_000);
    assert!(bomb.len() < 200_000);
    assert_eq!(avatar(&bomb).unwrap_err(), PictureError::TooManyPixels);
    assert_eq!(avatar(&lying_webp()).unwrap_err(), PictureError::TooManyPixels);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn long_narrow_picture_is_accepted() {
    for (width, height, side) in [(12_000, 1000, 512), (60_000, 400, 200), (400, 60_000, 200)] {
        let strip = encoded(&quarters(width, height), ImageFormat::Jpeg);
        let small = image::load_from_memory(&avatar(&strip).unwrap().bytes).unwrap();
        assert_eq!((small.width(), small.height()), (side, side), "{width}x{height}");
    }
}

#[test]
fn largest_allowed_picture_is_scaled_down() {
    let avatar = avatar(&bomb(5000, 5000)).unwrap();
    assert!(avatar.bytes.len() < 20_000);
}

#[test]
fn jpeg_with_hundreds_of_scans_is_refused() {
    let began = Instant::now();
    assert_eq!(avatar(&many_scans()).unwrap_err(), PictureError::Broken);
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// A picture with some bytes changed, removed or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let large = encoded(&quarters(700, 600), ImageFormat::Jpeg);
    let whole = prop::sample::select(vec![jpeg(), png(), webp(), large]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..12);
    (whole, changes).prop_map(|(mut bytes, changes)| {
        for (place, value, kind) in changes {
            let place = place.index(bytes.len());
            match kind {
                0 => bytes.truncate(place.max(16)),
                1 => drop(bytes.splice(place..place, [value; 3])),
                _ => bytes[place] = value,
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_picture_causes_no_panic_and_no_large_output(bytes in damaged()) {
        if let Ok(avatar) = avatar(&bytes) {
            prop_assert!(avatar.bytes.len() < 3 * 1024 * 1024);
            let made = image::load_from_memory(&avatar.bytes).unwrap();
            prop_assert!(made.width() == made.height() && (1..=512).contains(&made.width()));
        }
    }
}

on_any_database! {
    async fn refusal_names_its_reason_and_stores_nothing(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        for (file, reason) in [
            (b"<svg/>".to_vec(), "not a JPEG, PNG or WebP picture"),
            (jpeg()[..200].to_vec(), "damaged or incomplete"),
            (bomb(20_000, 20_000), "at most 25 megapixels"),
        ] {
            let refused = upload(&alice, &file).await;
            assert_eq!((refused.status.as_u16(), refused.code()), (400, "BAD_USER_INPUT"));
            assert!(refused.message().contains(reason), "{}", refused.text);
        }
        assert_none(&app).await;
    }
}
