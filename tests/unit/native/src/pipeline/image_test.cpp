#include "pipeline/image.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

constexpr models::Preprocessing kPaper = {};

torch::Tensor random_pixels(std::int64_t height, std::int64_t width, std::int64_t channels) {
  torch::manual_seed(7);
  return torch::randint(0, 256, {height, width, channels}, torch::kUInt8);
}

PixelView view_of(const torch::Tensor& pixels, SampleType type = SampleType::kUint8) {
  return {.data = static_cast<const std::uint8_t*>(pixels.data_ptr()),
          .size_bytes = pixels.nbytes(),
          .width = pixels.size(1),
          .height = pixels.size(0),
          .channels = pixels.size(2),
          .sample_type = type};
}

/// What the paper's text says, written with LibTorch's own operators: normalise, then pad or resize.
torch::Tensor expected_input(const torch::Tensor& rgb, std::int64_t size) {
  const auto mean = torch::tensor({123.675F, 116.28F, 103.53F}).view({3, 1, 1});
  const auto deviation = torch::tensor({58.395F, 57.12F, 57.375F}).view({3, 1, 1});
  auto x = (rgb.to(torch::kFloat32).permute({2, 0, 1}) - mean) / deviation;  // 3,H,W
  const auto height = x.size(1);
  const auto width = x.size(2);
  if (height < size && width < size) {
    auto padded = torch::zeros({3, size, size});
    const auto top = (size - height) / 2;
    const auto left = (size - width) / 2;
    padded.slice(1, top, top + height).slice(2, left, left + width).copy_(x);
    return padded;
  }
  return at::upsample_bilinear2d(x.unsqueeze(0), {size, size}, false)[0];
}

TEST("resizes a large image as normalise-then-bilinear does") {
  const auto pixels = random_pixels(311, 402, 3);
  const auto prepared = prepare_image(view_of(pixels), 256, kPaper);
  CHECK(prepared.placement.resized());
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-4);
}

TEST("resizes when only one side is under the input size") {
  const auto pixels = random_pixels(100, 256, 3);
  const auto prepared = prepare_image(view_of(pixels), 256, kPaper);
  CHECK(prepared.placement.resized());
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-4);
}

TEST("pads a small image with zeros in the centre, after normalisation") {
  const auto pixels = random_pixels(101, 180, 3);
  const auto prepared = prepare_image(view_of(pixels), 256, kPaper);
  CHECK(!prepared.placement.resized());
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-5);
}

TEST("repeats grey and drops alpha") {
  const auto grey = random_pixels(60, 70, 1);
  CHECK(test::max_difference(prepare_image(view_of(grey), 256, kPaper).input,
                             expected_input(grey.expand({60, 70, 3}), 256)) < 1e-5);
  const auto grey_alpha = random_pixels(60, 70, 2);
  const auto first = grey_alpha.slice(2, 0, 1).expand({60, 70, 3});
  CHECK(test::max_difference(prepare_image(view_of(grey_alpha), 256, kPaper).input, expected_input(first, 256)) < 1e-5);
  const auto rgba = random_pixels(300, 70, 4);
  CHECK(test::max_difference(prepare_image(view_of(rgba), 256, kPaper).input,
                             expected_input(rgba.slice(2, 0, 3), 256)) < 1e-4);
}

TEST("scales 16 bit by 1/257 and takes float on the 0-255 scale") {
  const auto bytes = random_pixels(80, 90, 3);
  std::vector<std::uint16_t> wide;
  const auto flat = bytes.flatten();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    wide.push_back(static_cast<std::uint16_t>(flat[i].item<int>() * 257));
  }
  PixelView view = view_of(bytes, SampleType::kUint16);
  view.data = reinterpret_cast<const std::uint8_t*>(wide.data());
  view.size_bytes = wide.size() * sizeof(std::uint16_t);
  const auto expected = prepare_image(view_of(bytes), 256, kPaper).input;
  CHECK(test::max_difference(prepare_image(view, 256, kPaper).input, expected) < 1e-5);
  const auto floats = bytes.to(torch::kFloat32).contiguous();
  CHECK(test::max_difference(prepare_image(view_of(floats, SampleType::kFloat32), 256, kPaper).input, expected) < 1e-6);
}

TEST("rejects NaN, infinity and values beyond 1e9 in float pixels") {
  using Limits = std::numeric_limits<float>;
  auto floats = torch::zeros({300, 300, 1});
  for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), Limits::lowest(), Limits::max(), 1.1e9F, -1.1e9F}) {
    floats[299][299][0] = bad;  // a pixel that the resize might never look at
    const auto error = test::error_of(ErrorCode::kInvalidArgument,
                                      [&] { prepare_image(view_of(floats, SampleType::kFloat32), 256, kPaper); });
    CHECK(error.field() == "pixels");
  }
}

TEST("rejects pixel data whose length is not its layout's") {
  const auto pixels = random_pixels(10, 10, 3);
  for (const std::size_t wrong : {std::size_t{0}, pixels.nbytes() - 1, pixels.nbytes() + 1}) {
    auto view = view_of(pixels);
    view.size_bytes = wrong;
    test::error_of(ErrorCode::kInvalidArgument, [&] { prepare_image(view, 256, kPaper); });
  }
  auto huge = view_of(pixels);
  huge.width = std::int64_t{1} << 40;
  test::error_of(ErrorCode::kInvalidArgument, [&] { check_pixels(huge); });
}

TEST("undoes the padding exactly") {
  const Placement placement = prepare_image(view_of(random_pixels(101, 180, 3)), 256, kPaper).placement;
  auto logits = torch::full({1, 1, 256, 256}, -5.0);
  logits.slice(2, placement.top, placement.top + 101).slice(3, placement.left, placement.left + 180).fill_(5.0);
  const auto restored = restore_logits(logits, placement);
  CHECK(restored.sizes() == torch::IntArrayRef({101, 180}));
  CHECK(restored.min().item<float>() == 5.0F);
}

TEST("brings logits back to the original size through the input's size") {
  const Placement placement = place_image(400, 300, 256, kPaper);
  torch::manual_seed(3);
  const auto low = torch::randn({1, 1, 64, 64});
  const auto expected =
      at::upsample_bilinear2d(at::upsample_bilinear2d(low, {256, 256}, false), {300, 400}, false)[0][0];
  CHECK(test::max_difference(restore_logits(low, placement), expected) == 0);
}

TEST("places a mask where its image lies") {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(20 * 30), 0);
  mask[5 * 30 + 7] = 200;                                     // row 5, column 7
  const Placement padded = place_image(30, 20, 256, kPaper);  // at column 113, row 118
  const auto on_input = prepare_mask(mask.data(), padded);
  CHECK(on_input.sum().item<std::int64_t>() == 1);
  CHECK(on_input[118 + 5][113 + 7].item<int>() == 1);
  const std::vector<std::uint8_t> full(static_cast<std::size_t>(512 * 600), 1);
  const Placement resized = place_image(600, 512, 256, kPaper);
  CHECK(prepare_mask(full.data(), resized).sum().item<std::int64_t>() == 256 * 256);
}

constexpr models::Preprocessing kSam = {.fit = models::Fit::kLongestSide};

TEST("longest side: resizes with antialiasing, rounds 8 bit images to 8 bit, pads right and below") {
  const auto pixels = random_pixels(311, 402, 3);
  const auto prepared = prepare_image(view_of(pixels), 256, kSam);
  CHECK(prepared.placement.inner_width == 256);
  CHECK(prepared.placement.inner_height == 198);  // 311 * 256 / 402 = 198.05
  const auto planes = pixels.to(torch::kFloat32).permute({2, 0, 1}).unsqueeze(0);
  const auto resized = at::_upsample_bilinear2d_aa(planes, {198, 256}, false)[0];
  const auto mean = torch::tensor({123.675F, 116.28F, 103.53F}).view({3, 1, 1});
  const auto deviation = torch::tensor({58.395F, 57.12F, 57.375F}).view({3, 1, 1});
  const auto inner = prepared.input.slice(1, 0, 198) * deviation + mean;
  CHECK(test::max_difference(inner, resized) < 1.01);  // two roundings of half a grey level
  CHECK(test::max_difference(inner, inner.round()) < 1e-4);
  CHECK(prepared.input.slice(1, 198).abs().max().item<float>() == 0);
}

TEST("longest side: enlarges small images, and 16 bit and float agree with 8 bit to half a grey level") {
  const auto bytes = random_pixels(40, 20, 1);
  const auto expected = prepare_image(view_of(bytes), 64, kSam);
  CHECK(expected.placement.inner_width == 32);
  CHECK(expected.placement.inner_height == 64);
  const auto floats = bytes.to(torch::kFloat32).contiguous();
  const auto from_floats = prepare_image(view_of(floats, SampleType::kFloat32), 64, kSam).input;
  CHECK(test::max_difference(from_floats, expected.input) < 1.01 / 57.0);
  std::vector<std::uint16_t> wide;
  for (std::int64_t i = 0; i < bytes.numel(); ++i) {
    wide.push_back(static_cast<std::uint16_t>(bytes.flatten()[i].item<int>() * 257));
  }
  PixelView view = view_of(bytes, SampleType::kUint16);
  view.data = reinterpret_cast<const std::uint8_t*>(wide.data());
  view.size_bytes = wide.size() * sizeof(std::uint16_t);
  CHECK(test::max_difference(prepare_image(view, 64, kSam).input, from_floats) < 1e-5);
}

TEST("longest side: keeps a row of an image that is a sliver") {
  const Placement placement = place_image(5000, 1, 256, kSam);
  CHECK(placement.inner_width == 256);
  CHECK(placement.inner_height == 1);
}

TEST("longest side: a sliver of one column is the row of the same image turned") {
  for (const std::int64_t width : {1, 3, 5}) {
    const auto bytes = random_pixels(700, width, 1);
    for (const bool whole : {true, false}) {
      const auto pixels = whole ? bytes : bytes.to(torch::kFloat32).contiguous();
      const auto turned = pixels.transpose(0, 1).contiguous();
      const auto type = whole ? SampleType::kUint8 : SampleType::kFloat32;
      const auto column = prepare_image(view_of(pixels, type), 64, kSam);
      CHECK(column.placement.inner_width == 1);
      const auto row = prepare_image(view_of(turned, type), 64, kSam);
      CHECK(test::max_difference(column.input, row.input.transpose(1, 2)) < (whole ? 1.01 / 57.0 : 1e-4));
      const auto down = column.input[0].select(1, 0) * 58.395F + 123.675F;  // one value for each row
      CHECK(down.std().item<float>() > 5);
    }
  }
}

TEST("longest side: crops the padding before it resizes logits to the original") {
  const Placement placement = place_image(400, 300, 256, kSam);
  torch::manual_seed(3);
  const auto low = torch::randn({1, 1, 64, 64});
  const auto inner = at::upsample_bilinear2d(low, {256, 256}, false).slice(2, 0, 192);
  const auto expected = at::upsample_bilinear2d(inner, {300, 400}, false)[0][0];
  CHECK(test::max_difference(restore_logits(low, placement), expected) == 0);
}

TEST("places points where their pixels went") {
  const auto points = torch::tensor({{0.0F, 0.0F}, {400.0F, 300.0F}, {200.0F, 30.0F}});
  const auto sam = place_points(points, place_image(400, 300, 1024, kSam));
  CHECK(test::max_difference(sam, torch::tensor({{0.0F, 0.0F}, {1024.0F, 768.0F}, {512.0F, 76.8F}})) < 1e-4);
  const auto padded = place_points(points, place_image(400, 300, 500, kPaper));
  CHECK(test::max_difference(padded, points + torch::tensor({50.0F, 100.0F})) == 0);
}

constexpr models::Preprocessing kMed2d = {
    .fit = models::Fit::kStretch, .channels = models::Channels::kBgr, .resize = models::Resize::kNearest};

/// The pixel of an input position, with its normalisation undone.
float pixel_of(const torch::Tensor& input, int position, std::int64_t y, std::int64_t x) {
  constexpr std::array<float, 3> mean{123.675F, 116.28F, 103.53F}, deviation{58.395F, 57.12F, 57.375F};
  const auto at = static_cast<std::size_t>(position);
  return input[position][y][x].item<float>() * deviation[at] + mean[at];
}

TEST("picks the pixels that OpenCV's nearest neighbour picks, in the channel order that is asked for") {
  const auto pixels = random_pixels(300, 500, 3);
  const auto input = prepare_image(view_of(pixels), 256, kMed2d).input;
  for (std::int64_t y = 0; y < 256; y += 15) {
    for (std::int64_t x = 0; x < 256; x += 17) {
      const auto row = static_cast<std::int64_t>(std::floor(static_cast<double>(y) * (1.0 / (256.0 / 300.0))));
      const auto column = static_cast<std::int64_t>(std::floor(static_cast<double>(x) * (1.0 / (256.0 / 500.0))));
      for (int position = 0; position < 3; ++position) {
        const auto expected = pixels[row][column][2 - position].item<float>();
        CHECK(std::abs(pixel_of(input, position, y, x) - expected) < 1e-3);
      }
    }
  }
}

TEST("nearest neighbour rounds where OpenCV does, not where a plain ratio would") {
  // 216 columns of 186: 1 / (256 / 186) is a bit more than 186 / 256, and some products pass a whole number.
  auto ramp = torch::arange(0, 186, torch::kUInt8).view({1, 186, 1}).expand({4, 186, 1}).contiguous();
  const auto input = prepare_image(view_of(ramp), 256, kMed2d).input;
  std::int64_t differing = 0;
  for (std::int64_t x = 0; x < 256; ++x) {
    const double step = 1.0 / (256.0 / 186.0);
    const auto picked =
        std::min<std::int64_t>(185, static_cast<std::int64_t>(std::floor(static_cast<double>(x) * step)));
    CHECK(std::lround(pixel_of(input, 0, 100, x)) == picked);
    differing += picked != x * 186 / 256;
  }
  CHECK(differing > 0);
}

TEST("stretches what is smaller than the input, and leaves what fits") {
  const auto placement = place_image(100, 60, 256, kMed2d);
  CHECK(placement.left == 0 && placement.top == 0 && placement.inner_width == 256 && placement.inner_height == 256);
  const auto pixels = random_pixels(64, 64, 3);
  const auto input = prepare_image(view_of(pixels), 64, {.fit = models::Fit::kStretch}).input;
  CHECK(test::max_difference(input, expected_input(pixels, 64)) < 1e-5);
}

TEST("swaps the colours and nothing else, whatever the fit and the resize") {
  for (const auto fit : {models::Fit::kPadOrStretch, models::Fit::kLongestSide, models::Fit::kStretch}) {
    for (const auto resize : {models::Resize::kBilinear, models::Resize::kNearest}) {
      for (const std::int64_t width : {90, 400}) {
        const auto rgb = random_pixels(70, width, 3);
        const auto swapped = rgb.flip(2).contiguous();
        const models::Preprocessing plain{.fit = fit, .resize = resize};
        auto bgr = plain;
        bgr.channels = models::Channels::kBgr;
        const auto expected = prepare_image(view_of(swapped), 128, plain).input;
        CHECK(prepare_image(view_of(rgb), 128, bgr).input.equal(expected));
        const auto floats = rgb.to(torch::kFloat32);
        CHECK(test::max_difference(prepare_image(view_of(floats, SampleType::kFloat32), 128, bgr).input, expected) <
              0.02);
      }
    }
  }
}

TEST("a mask follows the pixels of its image under nearest neighbour") {
  const auto pixels = random_pixels(311, 402, 1);
  const auto mask = pixels.gt(127).to(torch::kUInt8).squeeze(2).contiguous();
  for (const auto fit : {models::Fit::kStretch, models::Fit::kLongestSide}) {
    const auto prepared = prepare_image(view_of(pixels), 256, {.fit = fit, .resize = models::Resize::kNearest});
    const auto& place = prepared.placement;
    const auto placed = prepare_mask(mask.data_ptr<std::uint8_t>(), place);
    const auto inner = prepared.input[0].slice(0, 0, place.inner_height).slice(1, 0, place.inner_width);
    CHECK(placed.slice(0, 0, place.inner_height)
              .slice(1, 0, place.inner_width)
              .equal((inner * 58.395F + 123.675F > 127.5F).to(torch::kUInt8)));
  }
}

}  // namespace
}  // namespace automed::pipeline
