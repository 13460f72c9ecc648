// Quarter-width SAM, SAM-Med2D and SAM-AutoMed.

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "models/sam.h"
#include "models/sam_automed.h"
#include "parity/fixtures.h"
#include "train/losses.h"
#include "train/metrics.h"

namespace automed::parity {
namespace {

constexpr std::array<std::string_view, 5> kPrompts = {"none", "box", "points", "mask", "points_box"};

torch::Tensor resize(const torch::Tensor& logits, std::int64_t height, std::int64_t width) {
  return torch::upsample_bilinear2d(logits, {height, width}, /*align_corners=*/false);
}

/// The prompt that a fixture records under `key`; with `zeroed` all its coordinates and mask pixels are 0.
models::PromptEmbedding encode_prompt(const Context& context, models::Sam& sam, const SafetensorsFile& io,
                                      const std::string& key, std::int64_t batch, bool zeroed) {
  const auto read = [&](const char* part) -> std::optional<torch::Tensor> {
    if (!io.contains(key + part)) return std::nullopt;
    const torch::Tensor tensor = context.input(io, key + part);
    return zeroed ? torch::zeros_like(tensor) : tensor;
  };
  std::optional<models::PointPrompt> points;
  if (const auto coords = read(".coords")) {
    points = models::PointPrompt{*coords, context.input(io, key + ".labels")};
  }
  return sam->prompt_encoder->forward(points, read(".boxes"), read(".mask_input"), batch);
}

/// Everything recorded for one kind of prompt. Masks are compared twice as far as inputs go: they must move when the
/// image is zeroed, and the prompt's own embeddings must move when the prompt is.
void prompt(const Context& context, models::Sam& sam, const SafetensorsFile& io, const std::string& name,
            const std::string& key, const torch::Tensor& embedding, const torch::Tensor& no_image) {
  Report& report = context.report;
  const std::string block = name + " " + key;
  const std::int64_t batch = embedding.size(0);
  const auto given = encode_prompt(context, sam, io, key, batch, false);
  const auto zeroed = encode_prompt(context, sam, io, key, batch, true);
  if (given.sparse.numel() == 0) {
    report.compare_without_input(block + ".sparse", given.sparse, io.tensor(key + ".sparse"), kSmall, "no tokens");
  } else {
    report.compare(block + ".sparse", given.sparse, io.tensor(key + ".sparse"), kSmall, zeroed.sparse);
  }
  if (key == "mask") {
    report.compare(block + ".dense", given.dense, io.tensor(key + ".dense"), kSmall, zeroed.dense);
  } else {
    report.compare_without_input(block + ".dense", given.dense, io.tensor(key + ".dense"), kSmall, "constant");
  }
  const torch::Tensor pe = sam->prompt_encoder->dense_pe();
  for (const bool multi : {false, true}) {
    const std::string part = key + (multi ? ".multi" : ".single");
    const auto masks = sam->mask_decoder->forward(embedding, pe, given.sparse, given.dense, multi);
    const auto blind = sam->mask_decoder->forward(no_image, pe, given.sparse, given.dense, multi);
    report.compare(name + " " + part + ".low_res", masks.masks, io.tensor(part + ".low_res"), kSmall, blind.masks);
    report.compare(name + " " + part + ".iou", masks.iou, io.tensor(part + ".iou"), kSmall, blind.iou);
    if (key != "none") {
      const auto unprompted = sam->mask_decoder->forward(embedding, pe, zeroed.sparse, zeroed.dense, multi);
      report.compare(name + " " + part + ".low_res (prompt)", masks.masks, io.tensor(part + ".low_res"), kSmall,
                     unprompted.masks);
    }
    const std::string resized = part + ".mask_100x180";
    if (!io.contains(resized)) continue;
    const std::int64_t edge = sam->config().encoder.image_size;
    report.compare(name + " " + resized, resize(resize(masks.masks, edge, edge), 100, 180), io.tensor(resized), kSmall,
                   resize(resize(blind.masks, edge, edge), 100, 180));
  }
}

void sam(const Context& context, const std::string& name, bool adapter) {
  torch::NoGradGuard no_grad;
  models::Sam model(tiny_fixture_config(adapter));
  load_for_inference(*model, context.weights(name), "", context.device);
  const SafetensorsFile io = context.io(name);
  const torch::Tensor pixels = context.input(io, "pixels");
  const torch::Tensor image = normalise(pixels);
  context.report.compare(name + " normalised", image, io.tensor("normalised"), kSmall,
                         normalise(torch::zeros_like(pixels)));
  const torch::Tensor embedding = model->image_encoder->forward(image);
  const torch::Tensor no_image = model->image_encoder->forward(torch::zeros_like(image));
  context.report.compare(name + " embedding", embedding, io.tensor("embedding"), kSmall, no_image);
  context.report.compare_without_input(name + " dense_pe", model->prompt_encoder->dense_pe(), io.tensor("dense_pe"),
                                       kSmall, "no input");
  for (const std::string_view key : kPrompts) {
    prompt(context, model, io, name, std::string(key), embedding, no_image);
  }
}

/// A grid of several attention windows.
void sam_512(const Context& context) {
  torch::NoGradGuard no_grad;
  models::SamConfig config = tiny_fixture_config(false);
  config.encoder.image_size = 512;
  config.encoder.depth = 2;
  config.encoder.global_blocks = {1};
  models::Sam model(config);
  load_for_inference(*model, context.weights("sam_tiny_512"), "", context.device);
  const SafetensorsFile io = context.io("sam_tiny_512");
  const torch::Tensor image = normalise(context.input(io, "pixels"));
  context.report.compare("sam_tiny_512 embedding", model->image_encoder->forward(image), io.tensor("embedding"), kSmall,
                         model->image_encoder->forward(torch::zeros_like(image)));
}

void losses(const Context& context, const SafetensorsFile& io, const torch::Tensor& logits,
            const torch::Tensor& blind) {
  const std::string name = "sam_automed_tiny ";
  const torch::Tensor target = context.input(io, "target");
  Report& report = context.report;
  report.compare(name + "loss.focal", train::focal_loss(logits, target), io.tensor("loss.focal"), kSmall,
                 train::focal_loss(blind, target));
  report.compare(name + "loss.dice", train::dice_loss(logits, target), io.tensor("loss.dice"), kSmall,
                 train::dice_loss(blind, target));
  report.compare(name + "loss.total", train::segmentation_loss(logits, target), io.tensor("loss.total"), kSmall,
                 train::segmentation_loss(blind, target));
  const auto scores = [&](const torch::Tensor& values) {
    torch::Tensor iou = torch::empty({target.size(0)}), dice = torch::empty({target.size(0)});
    const auto images = train::overlaps(values > 0, target > 0.5);
    for (std::size_t i = 0; i < images.size(); ++i) {
      iou[static_cast<std::int64_t>(i)] = images[i].iou;
      dice[static_cast<std::int64_t>(i)] = images[i].dice;
    }
    return std::pair(iou, dice);
  };
  const auto [iou, dice] = scores(logits);
  const auto [blind_iou, blind_dice] = scores(blind);
  report.compare(name + "iou", iou, io.tensor("iou"), kSmall, blind_iou);
  report.compare(name + "dsc", dice, io.tensor("dsc"), kSmall, blind_dice);
}

void sam_automed(const Context& context) {
  torch::NoGradGuard no_grad;
  const std::string name = "sam_automed_tiny";
  const models::SamConfig config = tiny_fixture_config(true);
  const models::HeadConfig head{.kind = models::HeadConfig::Kind::kSamAutoMed, .mobilenet = {.width = 0.25}};
  const SafetensorsFile weights = context.weights(name);
  models::Sam base(config);
  models::SamAutoMed model(config, head);
  // The fixture holds base and head in one file, and the decoder it holds is the head's.
  load_for_inference(*base->image_encoder, weights, "image_encoder", context.device);
  load_for_inference(*base->prompt_encoder, weights, "prompt_encoder", context.device);
  load_for_inference(*model->image_prompt, weights, "image_prompt", context.device);
  load_for_inference(*model->mask_decoder, weights, "mask_decoder", context.device);

  const SafetensorsFile io = context.io(name);
  const torch::Tensor image = normalise(context.input(io, "pixels"));
  const torch::Tensor nothing = torch::zeros_like(image);
  const torch::Tensor gaussian = base->prompt_encoder->gaussian();
  context.report.compare(name + " tokens", model->image_prompt->forward(image, gaussian), io.tensor("tokens"), kSmall,
                         model->image_prompt->forward(nothing, gaussian));
  const torch::Tensor embedding = base->image_encoder->forward(image);
  const torch::Tensor no_embedding = base->image_encoder->forward(nothing);
  const torch::Tensor low_res = model->forward(image, embedding, base);
  const torch::Tensor blind = model->forward(nothing, no_embedding, base);
  const torch::Tensor expected = io.tensor("low_res");
  context.report.compare(name + " low_res", low_res, expected, kSmall, blind);
  context.report.compare(name + " low_res (prompt branch)", low_res, expected, kSmall,
                         model->forward(nothing, embedding, base));
  context.report.compare(name + " low_res (encoder branch)", low_res, expected, kSmall,
                         model->forward(image, no_embedding, base));
  const torch::Tensor logits = resize(low_res, 256, 256);
  context.report.compare(name + " logits_256", logits, io.tensor("logits_256"), kSmall, resize(blind, 256, 256));
  losses(context, io, logits, resize(blind, 256, 256));
}

}  // namespace

std::vector<Fixture> sam_fixtures() {
  return {{"sam_tiny", [](const Context& context) { sam(context, "sam_tiny", false); }},
          {"sam_med2d_tiny", [](const Context& context) { sam(context, "sam_med2d_tiny", true); }},
          {"sam_tiny_512", sam_512},
          {"sam_automed_tiny", sam_automed}};
}

}  // namespace automed::parity
