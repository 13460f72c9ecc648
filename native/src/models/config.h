#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/preprocessing.h"

namespace automed::models {

/// The image encoder (SAM's `ImageEncoderViT`).
struct EncoderConfig {
  std::int64_t image_size;
  std::int64_t patch_size;
  std::int64_t embed_dim;
  std::int64_t depth;
  std::int64_t heads;
  std::int64_t window_size;
  std::vector<std::int64_t> global_blocks;  // blocks without windows
  std::int64_t out_channels;                // also the width of prompts and decoder
  bool adapter;                             // SAM-Med2D's adapters
  std::int64_t mlp_ratio = 4;
  Preprocessing preprocessing = {};  // of heads that do not say otherwise, and of prompts

  /// Edge of the token grid.
  std::int64_t grid() const { return image_size / patch_size; }
};

/// The mask decoder and its two-way transformer.
struct DecoderConfig {
  std::int64_t depth;
  std::int64_t heads;
  std::int64_t mlp_dim;
  std::int64_t iou_hidden;
  std::int64_t multimask_outputs = 3;
  std::int64_t attention_downsample = 2;
  std::int64_t iou_depth = 3;
};

struct SamConfig {
  EncoderConfig encoder;
  DecoderConfig decoder;
};

struct MobileNetConfig {
  double width = 1.0;
  bool improved_se = true;  // the paper's squeeze-and-excitation; else MobileNetV3's own
};

/// AutoSAM's prompt network: HarDNet-85 as published, or narrower and shallower for small bases and tests.
struct HarDNetConfig {
  double width = 1.0;              // of all channels
  std::int64_t block_layers = 16;  // in a dense block at most
  std::int64_t input_size = 512;   // edge of the image that it sees, a multiple of 32
};

/// What was trained on top of a base. Fields of other kinds keep their defaults.
struct HeadConfig {
  enum class Kind { kSamAutoMed, kSamMedCls, kAutoSam };
  /// What SAM-MedCls classifies by (Table 10).
  enum class Features { kBoth, kEncoder, kMobileNet };

  Kind kind = Kind::kSamAutoMed;
  MobileNetConfig mobilenet = {};       // SAM-AutoMed; SAM-MedCls unless it has the encoder's features only
  bool attention = true;                // SAM-MedCls with both: spatial and channel attention (Table 10)
  std::int64_t classes = 0;             // SAM-MedCls
  Features features = Features::kBoth;  // SAM-MedCls
  bool frozen_decoder = false;          // SAM-AutoMed: the base's decoder instead of one of its own (Table 9)
  std::int64_t structures = 1;          // SAM-AutoMed: masks that it draws, which may overlap
  HarDNetConfig hardnet = {};           // AutoSAM

  bool segments() const { return kind != Kind::kSamMedCls; }
  /// False where the base's encoder need not run at all.
  bool uses_embedding() const { return kind != Kind::kSamMedCls || features != Features::kMobileNet; }
};

/// The architecture object of `base.json`. A missing, unknown or out-of-range field is Error(kInvalidArgument) that
/// names it, e.g. `decoder.depth`.
SamConfig parse_sam_config(const std::string& json_text);
std::string to_json(const SamConfig& config);

/// The architecture object of `model.json`, with the same rules. A field at its default may be absent: `decoder`
/// (`own` or `frozen`), `structures`, `features`.
HeadConfig parse_head_config(const std::string& json_text);
std::string to_json(const HeadConfig& config);

/// The names of native/architectures.json, sorted. services/store reads the same file.
std::vector<std::string> sam_config_names();
/// Throws kInvalidArgument (field `architecture`) for an unknown name.
SamConfig named_sam_config(const std::string& name);
std::string sam_config_json(const std::string& name);

}  // namespace automed::models
