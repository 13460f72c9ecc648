#include "pipeline/image.h"

#include <cmath>
#include <limits>
#include <vector>

#include "support/native_test.h"

namespace automed::pipeline {
namespace {

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
  const auto prepared = prepare_image(view_of(pixels), 256);
  CHECK(!prepared.placement.padded);
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-4);
}

TEST("resizes when only one side is under the input size") {
  const auto pixels = random_pixels(100, 256, 3);
  const auto prepared = prepare_image(view_of(pixels), 256);
  CHECK(!prepared.placement.padded);
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-4);
}

TEST("pads a small image with zeros in the centre, after normalisation") {
  const auto pixels = random_pixels(101, 180, 3);
  const auto prepared = prepare_image(view_of(pixels), 256);
  CHECK(prepared.placement.padded);
  CHECK(test::max_difference(prepared.input, expected_input(pixels, 256)) < 1e-5);
}

TEST("repeats grey and drops alpha") {
  const auto grey = random_pixels(60, 70, 1);
  CHECK(test::max_difference(prepare_image(view_of(grey), 256).input, expected_input(grey.expand({60, 70, 3}), 256)) <
        1e-5);
  const auto grey_alpha = random_pixels(60, 70, 2);
  const auto first = grey_alpha.slice(2, 0, 1).expand({60, 70, 3});
  CHECK(test::max_difference(prepare_image(view_of(grey_alpha), 256).input, expected_input(first, 256)) < 1e-5);
  const auto rgba = random_pixels(300, 70, 4);
  CHECK(test::max_difference(prepare_image(view_of(rgba), 256).input, expected_input(rgba.slice(2, 0, 3), 256)) < 1e-4);
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
  const auto expected = prepare_image(view_of(bytes), 256).input;
  CHECK(test::max_difference(prepare_image(view, 256).input, expected) < 1e-5);
  const auto floats = bytes.to(torch::kFloat32).contiguous();
  CHECK(test::max_difference(prepare_image(view_of(floats, SampleType::kFloat32), 256).input, expected) < 1e-6);
}

TEST("rejects NaN and infinity in float pixels") {
  auto floats = torch::zeros({300, 300, 1});
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    floats[299][299][0] = bad;  // a pixel that the resize might never look at
    const auto error =
        test::error_of(ErrorCode::kInvalidArgument, [&] { prepare_image(view_of(floats, SampleType::kFloat32), 256); });
    CHECK(error.field() == "pixels");
  }
}

TEST("rejects pixel data whose length is not its layout's") {
  const auto pixels = random_pixels(10, 10, 3);
  for (const std::size_t wrong : {std::size_t{0}, pixels.nbytes() - 1, pixels.nbytes() + 1}) {
    auto view = view_of(pixels);
    view.size_bytes = wrong;
    test::error_of(ErrorCode::kInvalidArgument, [&] { prepare_image(view, 256); });
  }
  auto huge = view_of(pixels);
  huge.width = std::int64_t{1} << 40;
  test::error_of(ErrorCode::kInvalidArgument, [&] { check_pixels(huge); });
}

TEST("undoes the padding exactly") {
  const Placement placement = prepare_image(view_of(random_pixels(101, 180, 3)), 256).placement;
  auto logits = torch::full({1, 1, 256, 256}, -5.0);
  logits.slice(2, placement.top, placement.top + 101).slice(3, placement.left, placement.left + 180).fill_(5.0);
  const auto restored = restore_logits(logits, placement);
  CHECK(restored.sizes() == torch::IntArrayRef({101, 180}));
  CHECK(restored.min().item<float>() == 5.0F);
}

TEST("brings logits back to the original size through the input's size") {
  const Placement placement{.width = 400, .height = 300, .size = 256};
  torch::manual_seed(3);
  const auto low = torch::randn({1, 1, 64, 64});
  const auto expected =
      at::upsample_bilinear2d(at::upsample_bilinear2d(low, {256, 256}, false), {300, 400}, false)[0][0];
  CHECK(test::max_difference(restore_logits(low, placement), expected) == 0);
}

TEST("places a mask where its image lies") {
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(20 * 30), 0);
  mask[5 * 30 + 7] = 200;  // row 5, column 7
  const Placement padded{.width = 30, .height = 20, .size = 256, .padded = true, .left = 113, .top = 118};
  const auto on_input = prepare_mask(mask.data(), padded);
  CHECK(on_input.sum().item<std::int64_t>() == 1);
  CHECK(on_input[118 + 5][113 + 7].item<int>() == 1);
  const std::vector<std::uint8_t> full(static_cast<std::size_t>(512 * 600), 1);
  const Placement resized{.width = 600, .height = 512, .size = 256};
  CHECK(prepare_mask(full.data(), resized).sum().item<std::int64_t>() == 256 * 256);
}

}  // namespace
}  // namespace automed::pipeline
