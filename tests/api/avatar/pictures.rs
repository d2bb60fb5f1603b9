//! How a picture is processed: its type is detected from its content; it is rotated, cropped, scaled down, and stripped
//! of metadata.

use image::{DynamicImage, GenericImageView, GrayImage, ImageFormat, Rgba, RgbaImage};
use miniaccount::media::{Avatar, Format, avatar};

use super::{encoded, jpeg, png, quarters, uploaded, webp, with_alpha};

/// The colours of a stored picture, by its EXIF orientation: top left, top right, bottom left, bottom right. The EXIF
/// standard defines where the first row and the first column are.
const ORIENTATIONS: [(u8, &str); 8] =
    [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")];

/// EXIF data that contain only an orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0];
    [&b"II*\0\x08\0\0\0\x01\0"[..], &entry, &[0; 4]].concat()
}

/// A JPEG with a segment after its first marker.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, content, &jpeg[2..]].concat()
}

/// A PNG with a chunk after its header.
fn with_chunk(png: &[u8], name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    let named = [&name[..], content].concat();
    let sum = !named.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    });
    [&png[..33], &length, &named, &sum.to_be_bytes(), &png[33..]].concat()
}

fn webp_with_exif(picture: &DynamicImage, exif: Vec<u8>) -> Vec<u8> {
    let (width, height, mut bytes) = (picture.width(), picture.height(), Vec::new());
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    encoder.set_exif_metadata(exif);
    encoder.encode(picture.to_rgb8().as_raw(), width, height, image_webp::ColorType::Rgb8).unwrap();
    bytes
}

fn decoded(avatar: &Avatar) -> DynamicImage {
    let format = match avatar.format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Png => ImageFormat::Png,
    };
    image::load_from_memory_with_format(&avatar.bytes, format).unwrap()
}

fn processed(bytes: &[u8]) -> DynamicImage {
    decoded(&avatar(bytes).unwrap())
}

/// The colours of the four quarters.
fn corners(picture: &DynamicImage) -> String {
    let (right, bottom) = (picture.width() * 7 / 8, picture.height() * 7 / 8);
    let places = [(right / 7, bottom / 7), (right, bottom / 7), (right / 7, bottom), (right, bottom)];
    let colour = |(x, y)| match picture.get_pixel(x, y).0.map(|part| part > 128) {
        [true, false, false, _] => 'r',
        [false, true, false, _] => 'g',
        [false, false, true, _] => 'b',
        [true, true, true, _] => 'w',
        _ => '?',
    };
    places.into_iter().map(colour).collect()
}

#[test]
fn every_exif_orientation_is_applied_and_removed() {
    for side in [48, 1600] {
        let picture = quarters(side, side);
        let (jpeg, png) = (encoded(&picture, ImageFormat::Jpeg), encoded(&picture, ImageFormat::Png));
        for (orientation, expected) in ORIENTATIONS {
            let tiff = exif(orientation);
            let segment = [b"Exif\0\0", &*tiff].concat();
            for bytes in [
                with_segment(&jpeg, 0xe1, &segment),
                with_chunk(&png, *b"eXIf", &tiff),
                webp_with_exif(&picture, tiff.clone()),
            ] {
                let avatar = avatar(&bytes).unwrap();
                assert_eq!(corners(&decoded(&avatar)), expected, "{orientation} of {:?}", &bytes[..4]);
                assert!(!avatar.bytes.windows(4).any(|part| part == b"Exif" || part == b"eXIf"));
            }
        }
        for none in [0, 9, 255] {
            assert_eq!(corners(&processed(&with_segment(&jpeg, 0xe1, &[b"Exif\0\0", &*exif(none)].concat()))), "rgbw");
        }
    }
}

#[test]
fn picture_is_cropped_to_its_centre_of_at_most_512_pixels() {
    for (width, height, side) in
        [(1, 1, 1), (7, 300, 7), (512, 512, 512), (513, 900, 512), (2000, 1100, 512), (9000, 3, 3)]
    {
        // the square is red, and the cropped parts are blue
        let (side_of_square, picture) =
            (width.min(height), RgbaImage::from_pixel(width, height, Rgba([0, 0, 255, 255])));
        let (left, top) = ((width - side_of_square) / 2, (height - side_of_square) / 2);
        let mut picture = DynamicImage::from(picture).into_rgb8();
        for (x, y) in (0..side_of_square).flat_map(|x| (0..side_of_square).map(move |y| (x, y))) {
            picture.put_pixel(left + x, top + y, image::Rgb([255, 0, 0]));
        }
        let output = processed(&encoded(&picture.into(), ImageFormat::Png));
        assert_eq!((output.width(), output.height()), (side, side), "{width}x{height}");
        let [red, _, blue, _] = output.get_pixel(side / 2, side / 2).0;
        assert!(red > 200 && blue < 60, "{width}x{height}: {red} {blue}");
    }
}

#[test]
fn type_is_detected_from_content_and_output_is_jpeg_or_png() {
    let grey = DynamicImage::from(GrayImage::from_fn(700, 600, |x, _| image::Luma([u8::try_from(x % 256).unwrap()])));
    for (bytes, expected) in [
        (jpeg(), Format::Jpeg),
        (webp(), Format::Jpeg),
        (png(), Format::Png),
        (encoded(&quarters(800, 600), ImageFormat::Png), Format::Jpeg),
        (encoded(&grey, ImageFormat::Png), Format::Jpeg),
        (encoded(&grey, ImageFormat::Jpeg), Format::Jpeg),
        (encoded(&DynamicImage::from(grey.to_luma_alpha8()), ImageFormat::Png), Format::Jpeg),
        (encoded(&DynamicImage::from(quarters(600, 600).to_rgb16()), ImageFormat::Png), Format::Jpeg),
        (encoded(&DynamicImage::from(with_alpha(600).to_rgba16()), ImageFormat::Png), Format::Png),
        // an alpha channel without transparency is dropped
        (encoded(&DynamicImage::from(quarters(600, 600).to_rgba8()), ImageFormat::Png), Format::Jpeg),
    ] {
        let avatar = avatar(&bytes).unwrap();
        assert_eq!(avatar.format, expected);
        assert!(decoded(&avatar).width() <= 512);
    }
}

#[test]
fn transparency_is_kept_and_hidden_colours_do_not_bleed() {
    for side in [64, 1500] {
        let output = processed(&encoded(&with_alpha(side), ImageFormat::Png));
        let end = output.width() - 1;
        assert_eq!([(0, 0), (end, 0), (end, end)].map(|(x, y)| output.get_pixel(x, y).0[3]), [0; 3]);
        assert_eq!(output.get_pixel(end / 2, end / 2), Rgba([255, 0, 0, 255]));
    }
    // green pixels that are transparent must not tint the edge of red ones
    let hidden =
        RgbaImage::from_fn(1500, 1500, |x, _| if x < 750 { Rgba([0, 255, 0, 0]) } else { Rgba([255, 0, 0, 255]) });
    let output = processed(&encoded(&hidden.into(), ImageFormat::Png));
    let tinted =
        output.pixels().filter(|(_, _, Rgba([red, green, _, alpha]))| *alpha > 8 && (*green > 40 || *red < 200));
    assert_eq!(tinted.count(), 0);
}

#[test]
fn metadata_is_removed() {
    let secret = b"<script>secret</script> GPS 31.2304 N";
    let jpeg = with_segment(&jpeg(), 0xfe, secret);
    let jpeg = with_segment(&jpeg, 0xe2, &[b"ICC_PROFILE\0\x01\x01", &secret[..]].concat());
    let png = with_chunk(&png(), *b"tEXt", &[b"Comment\0", &secret[..]].concat());
    for bytes in [[jpeg, secret.to_vec()].concat(), [png, secret.to_vec()].concat(), [webp(), secret.to_vec()].concat()]
    {
        let avatar = avatar(&bytes).unwrap();
        assert!(!avatar.bytes.windows(6).any(|part| part == b"secret"));
    }
}

on_any_database! {
    async fn served_picture_is_the_processed_one(app: TestApp) {
        let alice = app.log_in("alice").await.client;
        for (sent, kind) in [(jpeg(), ImageFormat::Jpeg), (png(), ImageFormat::Png), (webp(), ImageFormat::Jpeg)] {
            let path = uploaded(&alice, &sent).await;
            let served = app.anonymous().header("accept-encoding", "gzip, br").get(&path).await;
            assert!(!served.headers.contains_key("content-encoding"));
            assert_eq!(served.bytes, avatar(&sent).unwrap().bytes);
            image::load_from_memory_with_format(&served.bytes, kind).unwrap();
        }
    }
}
