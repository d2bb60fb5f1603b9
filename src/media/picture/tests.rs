//! Tests of the checks before a picture is decoded.

use super::*;

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    let samples = vec![0; (width * height * 3) as usize];
    image::ImageEncoder::write_image(encoder, &samples, width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let samples = vec![0; (width * height * 3) as usize];
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
    encoder.encode(&samples, width, height, image::ExtendedColorType::Rgb8).unwrap();
    bytes
}

#[test]
fn memory_is_estimated_from_the_header() {
    assert!((4_000_000..13_000_000).contains(&check(&png(1000, 1000)).unwrap().memory));
    // it is decoded at a half, which is a quarter of the pixels
    assert_eq!(check(&jpeg(2000, 1100)).unwrap().memory, 1000 * 550 * 16);
    assert_eq!(check(&jpeg(600, 600)).unwrap().memory, 600 * 600 * 16);
    // a long strip is decoded at a half as well
    assert_eq!(check(&jpeg(60_000, 400)).unwrap().memory, 30_000 * 200 * 16);
}

#[test]
fn size_at_the_limits_is_accepted() {
    let check = |width, height| Size { width, height }.checked();
    assert!(
        [(1, 1), (5000, 5000), (10_000, 2500), (65_535, 381)]
            .iter()
            .all(|(width, height)| check(*width, *height).is_ok())
    );
    for (width, height) in [(5000, 5001), (65_536, 1), (1, 65_536), (u32::MAX, u32::MAX)] {
        assert_eq!(check(width, height), Err(PictureError::TooManyPixels));
    }
    assert_eq!([check(0, 1), check(1, 0)], [Err(PictureError::Broken); 2]);
}
