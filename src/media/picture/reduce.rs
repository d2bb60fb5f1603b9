//! Makes the avatar from decoded pixels: crops the central square, scales it, applies the orientation, and encodes it.

use fast_image_resize::{
    FilterType, MulDiv, PixelType, ResizeAlg, ResizeError, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use image::{
    DynamicImage, ExtendedColorType, GrayAlphaImage, GrayImage, ImageEncoder, RgbImage, RgbaImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};

use super::{Avatar, Format, PictureError, Pixels};

/// The longest side of an avatar, in pixels.
pub(in crate::media) const SIDE: u32 = 512;

/// The JPEG quality, of 100. A higher quality makes longer files without a visible difference.
const QUALITY: u8 = 85;

/// Makes the avatar.
pub(super) fn avatar(pixels: Pixels) -> Result<Avatar, PictureError> {
    let (orientation, is_opaque) = (pixels.orientation, pixels.is_opaque);
    // cannot fail: the size and the pixel type are valid
    let mut picture = square(pixels).map_err(|_| PictureError::Broken)?;
    if is_opaque || is_all_opaque(&picture) {
        picture = without_alpha(picture);
    }
    picture.apply_orientation(orientation);
    encode(&picture)
}

/// The central square, scaled to at most [`SIDE`] on a side without a second copy of the decoded pixels.
fn square(mut pixels: Pixels) -> Result<DynamicImage, ResizeError> {
    let (width, height) = (pixels.size.width, pixels.size.height);
    let kind = match pixels.channels {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let whole = width.min(height);
    let side = whole.min(SIDE);
    // the colours of transparent pixels must not affect the edges
    let has_alpha = kind != PixelType::U8 && kind != PixelType::U8x3 && !pixels.is_opaque && side < whole;
    if has_alpha {
        let mut picture = Image::from_slice_u8(width, height, &mut pixels.samples, kind).map_err(broken)?;
        MulDiv::new().multiply_alpha_inplace(&mut picture).map_err(broken)?;
    }
    let picture = ImageRef::new(width, height, &pixels.samples, kind).map_err(broken)?;
    let mut small = Image::new(side, side, kind);
    let [left, top] = [width, height].map(|length| f64::from((length - whole) / 2));
    let options = ResizeOptions::new().use_alpha(false).resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let options = options.crop(left, top, whole.into(), whole.into());
    Resizer::new().resize(&picture, &mut small, &options)?;
    if has_alpha {
        MulDiv::new().divide_alpha_inplace(&mut small).map_err(broken)?;
    }
    image(kind, side, small.into_vec()).ok_or(ResizeError::PixelTypesAreDifferent)
}

fn broken<E>(_: E) -> ResizeError {
    ResizeError::PixelTypesAreDifferent
}

fn image(kind: PixelType, side: u32, samples: Vec<u8>) -> Option<DynamicImage> {
    Some(match kind {
        PixelType::U8 => GrayImage::from_raw(side, side, samples)?.into(),
        PixelType::U8x2 => GrayAlphaImage::from_raw(side, side, samples)?.into(),
        PixelType::U8x3 => RgbImage::from_raw(side, side, samples)?.into(),
        _ => RgbaImage::from_raw(side, side, samples)?.into(),
    })
}

/// Whether the last channel, which is alpha if there is one, is opaque everywhere.
fn is_all_opaque(picture: &DynamicImage) -> bool {
    let channels = usize::from(picture.color().channel_count());
    picture.as_bytes().iter().skip(channels - 1).step_by(channels).all(|alpha| *alpha == u8::MAX)
}

fn without_alpha(picture: DynamicImage) -> DynamicImage {
    match picture.color().channel_count() {
        2 => picture.into_luma8().into(),
        4 => picture.into_rgb8().into(),
        _ => picture,
    }
}

fn encode(picture: &DynamicImage) -> Result<Avatar, PictureError> {
    let (width, height, samples) = (picture.width(), picture.height(), picture.as_bytes());
    let mut bytes = Vec::new();
    let (format, written) = match picture.color().into() {
        color @ (ExtendedColorType::La8 | ExtendedColorType::Rgba8) => {
            (Format::Png, PngEncoder::new(&mut bytes).write_image(samples, width, height, color))
        }
        color => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
            (Format::Jpeg, encoder.write_image(samples, width, height, color))
        }
    };
    // cannot fail: the output is in memory
    written.map_err(|_| PictureError::Broken)?;
    Ok(Avatar { bytes, format })
}
