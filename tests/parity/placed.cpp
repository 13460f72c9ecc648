#include "parity/placed.h"

#include <torch/torch.h>

#include <fstream>
#include <sstream>

#include "models/preprocessing.h"
#include "pipeline/image.h"

namespace automed::parity {
namespace {

/// SAM's normalisation of the first channel undone, 0 to 1.
torch::Tensor shares_of(const torch::Tensor& input) {
  return (input[0].to(torch::kFloat64) * 58.395 + 123.675) / 255;
}

std::string seen_of(const std::string& line) {
  std::istringstream in(line);
  std::string rule;
  std::int64_t side = 0, width = 0, height = 0, x = 0, y = 0, columns = 0, rows = 0;
  in >> rule >> side >> width >> height;
  auto mask = torch::zeros({height, width}, torch::kUInt8);
  while (in >> x >> y >> columns >> rows) mask.slice(0, y, y + rows).slice(1, x, x + columns).fill_(1);
  // float32: a share is not rounded to 8 bits.
  const auto pixels = (mask.to(torch::kFloat32) * 255).contiguous();
  const pipeline::PixelView view{.data = reinterpret_cast<const std::uint8_t*>(pixels.data_ptr<float>()),
                                 .size_bytes = pixels.nbytes(),
                                 .width = width,
                                 .height = height,
                                 .channels = 1,
                                 .sample_type = pipeline::SampleType::kFloat32};
  const auto prepared = pipeline::prepare_image(view, side, models::parse_preprocessing(rule));
  const auto picked = pipeline::prepare_mask(mask.data_ptr<std::uint8_t>(), prepared.placement).to(torch::kBool);
  // Zeros around the image are zeros after normalisation, which would be shares of 0.485.
  const auto& place = prepared.placement;
  const auto inside = [&](const torch::Tensor& x) {
    return x.slice(0, place.top, place.top + place.inner_height).slice(1, place.left, place.left + place.inner_width);
  };
  const auto shares = inside(shares_of(prepared.input));
  std::ostringstream out;
  out.precision(9);
  out << shares.max().item<double>() << ' ' << (shares * inside(picked)).max().item<double>() << ' '
      << picked.sum().item<std::int64_t>();
  return out.str();
}

}  // namespace

void record_placed(const Placing& placing) {
  std::ifstream cases(placing.cases);
  std::ofstream out(placing.out);
  for (std::string line; std::getline(cases, line);) out << seen_of(line) << '\n';
}

}  // namespace automed::parity
