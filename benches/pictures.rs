//! Benchmarks of the processing of uploaded pictures: the largest allowed picture of each type.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, codecs::png::PngEncoder};
use miniaccount::media::avatar;

/// The side of a square with the maximum of 25 megapixels.
const SIDE: u32 = 5000;

/// The samples of a pattern that does not compress trivially.
fn samples(channels: usize) -> Vec<u8> {
    let wave = |x: u32, y: u32, n: usize| {
        let n = u32::try_from(n).unwrap_or_default() + 1;
        u8::try_from((x * x / (900 * n) + y * n / 7) % 256).unwrap_or_default() & 0xf0
    };
    let pixels = (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| (x, y)));
    pixels.flat_map(|(x, y)| (0..channels).map(move |n| wave(x, y, n))).collect()
}

fn pictures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("avatar");
    group.sample_size(10);
    let (rgb, rgba) = (samples(3), samples(4));
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 75).write_image(&rgb, SIDE, SIDE, ExtendedColorType::Rgb8).unwrap();
    let mut png = Vec::new();
    PngEncoder::new(&mut png).write_image(&rgba, SIDE, SIDE, ExtendedColorType::Rgba8).unwrap();
    let mut webp = Vec::new();
    let encoder = image_webp::WebPEncoder::new(&mut webp);
    encoder.encode(&rgb, SIDE, SIDE, image_webp::ColorType::Rgb8).unwrap();
    for (name, bytes) in [("jpeg", jpeg), ("png", png), ("webp", webp)] {
        group.bench_function(name, |bencher| bencher.iter(|| avatar(black_box(&bytes)).unwrap()));
    }
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
