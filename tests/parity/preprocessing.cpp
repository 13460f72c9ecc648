// What SAM-Med2D's published predictor makes of an image before its encoder sees it, and of points on it. The fixture
// and the program that writes it lie beside this file.

#include "pipeline/image.h"

#include <string>
#include <vector>

#include "models/preprocessing.h"
#include "parity/fixtures.h"
#include "parity/hash_weights.h"

namespace automed::parity {
namespace {

constexpr std::int64_t kSize = 256;
constexpr std::int64_t kRows = 7, kColumns = 5;  // stored: every 7th row, every 5th column

// What an imported sam-med2d-vit-b records (services/store/architectures.ts).
constexpr const char* kPublished = R"({"fit":"stretch","channels":"bgr","resize":"nearest"})";

torch::Tensor input_of(const torch::Tensor& pixels) {
  const pipeline::PixelView view{.data = pixels.data_ptr<std::uint8_t>(),
                                 .size_bytes = pixels.nbytes(),
                                 .width = pixels.size(1),
                                 .height = pixels.size(0),
                                 .channels = pixels.size(2)};
  const auto input = pipeline::prepare_image(view, kSize, models::parse_preprocessing(kPublished)).input;
  return input.slice(1, 0, kSize, kRows).slice(2, 0, kSize, kColumns);
}

void compare_image(const Context& context, const SafetensorsFile& file, const std::string& name) {
  const auto sides = file.tensor(name + ".shape");
  const auto side = [&](std::int64_t i) { return sides[i].item<std::int64_t>(); };
  const auto pixels = hash_pixels("input." + name, {side(0), side(1), side(2)});
  context.report.compare("sam_med2d_input " + name, input_of(pixels), file.tensor(name + ".input"), kExact,
                         input_of(torch::zeros_like(pixels)));
  const auto placement = pipeline::place_image(side(1), side(0), kSize, models::parse_preprocessing(kPublished));
  const auto points = file.tensor(name + ".points");
  context.report.compare("sam_med2d_points " + name, pipeline::place_points(points, placement),
                         file.tensor(name + ".coords"), kExact,
                         pipeline::place_points(torch::zeros_like(points), placement));
}

}  // namespace

std::vector<Fixture> preprocessing_fixtures() {
  std::vector<Fixture> fixtures;
  for (const char* name : {"colour", "square", "small", "tall", "grey", "small_grey"}) {
    fixtures.push_back({std::string("input/") + name, [name](const Context& context) {
                          compare_image(context, SafetensorsFile::open(context.own + "/sam_med2d_input.safetensors"),
                                        name);
                        }});
  }
  return fixtures;
}

}  // namespace automed::parity
