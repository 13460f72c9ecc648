#include "models/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <string_view>

#include "core/error.h"
#include "core/json.h"

namespace automed::models {
namespace {

/// native/architectures.json, put in by the build.
constexpr std::string_view kNamedBases =
#include "models/architectures.inc"
    ;

constexpr std::int64_t kMaxStructures = 64;

/// Three times ViT-H: an architecture text is input, and must not be able to ask for all memory.
constexpr double kMaxParameters = 2e9;

[[noreturn]] void invalid(const std::string& field, const std::string& what) {
  throw Error(ErrorCode::kInvalidArgument, "the architecture's " + field + " " + what, field);
}

/// One object of an architecture text: reads typed fields by name and refuses what nobody asked for.
class Fields {
 public:
  Fields(const json::Object& object, std::string path, std::initializer_list<std::string_view> known)
      : object_(object), path_(std::move(path)) {
    for (const auto& [name, value] : object_) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        invalid(path_ + name.substr(0, 100), "is not a known field");
      }
    }
  }

  const json::Value& required(const std::string& name) const {
    const auto position = object_.find(name);
    if (position == object_.end()) invalid(path_ + name, "is missing");
    return position->second;
  }
  bool has(const std::string& name) const { return object_.contains(name); }

  std::int64_t integer(const std::string& name, std::int64_t low, std::int64_t high) const {
    const auto* value = required(name).get_if<std::int64_t>();
    if (value == nullptr || *value < low || *value > high) {
      invalid(path_ + name, "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return *value;
  }
  bool boolean(const std::string& name) const {
    const auto* value = required(name).get_if<bool>();
    if (value == nullptr) invalid(path_ + name, "must be true or false");
    return *value;
  }
  const std::string& text(const std::string& name) const {
    const auto* value = required(name).get_if<std::string>();
    if (value == nullptr) invalid(path_ + name, "must be text");
    return *value;
  }
  double number(const std::string& name) const {
    const json::Value& value = required(name);
    if (const auto* integer = value.get_if<std::int64_t>()) return static_cast<double>(*integer);
    if (const auto* real = value.get_if<double>()) return *real;
    invalid(path_ + name, "must be a number");
  }
  const json::Object& object(const std::string& name) const {
    const auto* value = required(name).get_if<json::Object>();
    if (value == nullptr) invalid(path_ + name, "must be an object");
    return *value;
  }
  const json::Array& array(const std::string& name) const {
    const auto* value = required(name).get_if<json::Array>();
    if (value == nullptr) invalid(path_ + name, "must be an array");
    return *value;
  }

 private:
  const json::Object& object_;
  std::string path_;
};

json::Value parse_architecture(const std::string& text) {
  json::Value value;
  try {
    value = json::parse(text, {.max_bytes = 64u << 10, .max_depth = 8, .subject = "the architecture"});
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), "architecture");
  }
  if (value.get_if<json::Object>() == nullptr) {
    throw Error(ErrorCode::kInvalidArgument, "the architecture must be an object", "architecture");
  }
  return value;
}

double approximate_parameters(const SamConfig& config) {
  const EncoderConfig& e = config.encoder;
  const DecoderConfig& d = config.decoder;
  const auto width = static_cast<double>(e.embed_dim), out = static_cast<double>(e.out_channels);
  const auto grid = static_cast<double>(e.grid());
  const double block = width * width * (4.0 + 2.0 * static_cast<double>(e.mlp_ratio) + (e.adapter ? 25.5 : 0.0));
  const double encoder = static_cast<double>(e.depth) * block + grid * grid * width + 9 * out * out + out * width;
  const double two_way = static_cast<double>(d.depth) * (8 * out * out + 2 * out * static_cast<double>(d.mlp_dim));
  const double heads = static_cast<double>(d.multimask_outputs + 1) * 3 * out * out;
  return encoder + two_way + heads + static_cast<double>(d.iou_hidden) * (static_cast<double>(d.iou_hidden) + out);
}

void check(const SamConfig& config) {
  const EncoderConfig& e = config.encoder;
  if (e.image_size % e.patch_size != 0) invalid("image_size", "must be a multiple of patch_size");
  if (e.embed_dim % e.heads != 0) invalid("embed_dim", "must be a multiple of heads");
  if (e.adapter && (e.embed_dim % 4 != 0)) invalid("embed_dim", "must be a multiple of 4 with adapters");
  if (e.adapter && e.grid() % 2 != 0) invalid("image_size", "must give an even number of patches with adapters");
  if (e.out_channels % 8 != 0) invalid("out_channels", "must be a multiple of 8");
  const std::int64_t inner = e.out_channels / config.decoder.attention_downsample;
  if (inner % config.decoder.heads != 0) invalid("decoder.heads", "must divide half of out_channels");
  if (approximate_parameters(config) > kMaxParameters) {
    throw Error(ErrorCode::kInvalidArgument, "the architecture has more than 2 billion parameters", "architecture");
  }
}

std::vector<std::int64_t> read_global_blocks(const json::Array& array, std::int64_t depth) {
  std::vector<std::int64_t> blocks;
  for (const json::Value& item : array) {
    const auto* block = item.get_if<std::int64_t>();
    if (block == nullptr || *block < 0 || *block >= depth || (!blocks.empty() && *block <= blocks.back())) {
      invalid("global_blocks", "must be increasing numbers of blocks, each below depth");
    }
    blocks.push_back(*block);
  }
  return blocks;
}

DecoderConfig read_decoder(const json::Object& object) {
  const Fields fields(object, "decoder.", {"depth", "heads", "mlp_dim", "iou_hidden", "multimask_outputs"});
  DecoderConfig config{.depth = fields.integer("depth", 1, 16),
                       .heads = fields.integer("heads", 1, 64),
                       .mlp_dim = fields.integer("mlp_dim", 1, 65536),
                       .iou_hidden = fields.integer("iou_hidden", 1, 8192)};
  if (fields.has("multimask_outputs")) config.multimask_outputs = fields.integer("multimask_outputs", 1, 16);
  return config;
}

SamConfig read_sam_config(const json::Object& object) {
  const Fields fields(object, "",
                      {"image_size", "patch_size", "embed_dim", "depth", "heads", "window_size", "global_blocks",
                       "out_channels", "adapter", "fit", "channels", "resize", "intensity", "levels", "decoder"});
  // Field by field: GCC 12 destroys a member twice when an exception leaves a nested braced initialiser.
  SamConfig config{};
  EncoderConfig& encoder = config.encoder;
  encoder.image_size = fields.integer("image_size", 16, 4096);
  encoder.patch_size = fields.integer("patch_size", 4, 64);
  encoder.embed_dim = fields.integer("embed_dim", 8, 8192);
  encoder.depth = fields.integer("depth", 1, 128);
  encoder.heads = fields.integer("heads", 1, 256);
  encoder.window_size = fields.integer("window_size", 1, 256);
  encoder.global_blocks = read_global_blocks(fields.array("global_blocks"), encoder.depth);
  encoder.out_channels = fields.integer("out_channels", 8, 2048);
  encoder.adapter = fields.boolean("adapter");
  encoder.preprocessing = read_preprocessing(object);
  config.decoder = read_decoder(fields.object("decoder"));
  check(config);
  return config;
}

MobileNetConfig read_mobilenet(const json::Object& object) {
  const Fields fields(object, "mobilenet.", {"width", "se"});
  MobileNetConfig config;
  config.width = fields.number("width");
  if (!(config.width >= 0.05 && config.width <= 4)) invalid("mobilenet.width", "must be from 0.05 to 4");
  const std::string& se = fields.text("se");
  if (se != "improved" && se != "plain") invalid("mobilenet.se", "must be improved or plain");
  config.improved_se = se == "improved";
  return config;
}

HeadConfig read_automed(const json::Object& object) {
  const Fields fields(object, "", {"kind", "mobilenet", "decoder", "structures"});
  HeadConfig config;
  config.mobilenet = read_mobilenet(fields.object("mobilenet"));
  if (fields.has("decoder")) {
    const std::string& decoder = fields.text("decoder");
    if (decoder != "own" && decoder != "frozen") invalid("decoder", "must be own or frozen");
    config.frozen_decoder = decoder == "frozen";
  }
  if (fields.has("structures")) config.structures = fields.integer("structures", 1, kMaxStructures);
  if (config.frozen_decoder && config.structures > 1) invalid("structures", "must be 1 with a frozen decoder");
  return config;
}

HeadConfig read_medcls(const json::Object& object) {
  HeadConfig config;
  config.kind = HeadConfig::Kind::kSamMedCls;
  const auto features = object.find("features");
  if (features != object.end()) {
    const auto* name = features->second.get_if<std::string>();
    if (name == nullptr || (*name != "both" && *name != "encoder" && *name != "mobilenet")) {
      invalid("features", "must be both, encoder or mobilenet");
    }
    if (*name == "encoder") config.features = HeadConfig::Features::kEncoder;
    if (*name == "mobilenet") config.features = HeadConfig::Features::kMobileNet;
  }
  const bool both = config.features == HeadConfig::Features::kBoth;
  const bool encoder = config.features == HeadConfig::Features::kEncoder;
  const Fields fields = both      ? Fields(object, "", {"kind", "features", "mobilenet", "attention", "classes"})
                        : encoder ? Fields(object, "", {"kind", "features", "classes"})
                                  : Fields(object, "", {"kind", "features", "mobilenet", "classes"});
  if (!encoder) config.mobilenet = read_mobilenet(fields.object("mobilenet"));
  if (both) config.attention = fields.boolean("attention");
  config.classes = fields.integer("classes", 2, 10000);
  return config;
}

HeadConfig read_autosam(const json::Object& object) {
  const Fields fields(object, "", {"kind", "hardnet"});
  const Fields hardnet(fields.object("hardnet"), "hardnet.", {"width", "block_layers", "input_size"});
  HeadConfig config;
  config.kind = HeadConfig::Kind::kAutoSam;
  config.hardnet.width = hardnet.number("width");
  if (!(config.hardnet.width >= 0.05 && config.hardnet.width <= 4)) invalid("hardnet.width", "must be from 0.05 to 4");
  config.hardnet.block_layers = hardnet.integer("block_layers", 1, 16);
  config.hardnet.input_size = hardnet.integer("input_size", 32, 4096);
  if (config.hardnet.input_size % 32 != 0) invalid("hardnet.input_size", "must be a multiple of 32");
  return config;
}

const json::Object& named_bases() {
  static const json::Value table = json::parse(kNamedBases);
  return *table.get_if<json::Object>();
}

/// JSON of a finite number.
std::string number_text(double value) {
  std::array<char, 32> text{};
  const auto [end, status] =
      std::to_chars(text.data(), text.data() + text.size(), value);  // the shortest that reads back the same
  return {text.data(), end};
}

}  // namespace

SamConfig parse_sam_config(const std::string& json_text) {
  const json::Value value = parse_architecture(json_text);
  return read_sam_config(*value.get_if<json::Object>());
}

std::string to_json(const SamConfig& config) {
  const EncoderConfig& e = config.encoder;
  const DecoderConfig& d = config.decoder;
  std::string blocks;
  for (const std::int64_t block : e.global_blocks) blocks += (blocks.empty() ? "" : ",") + std::to_string(block);
  const auto field = [](const char* name, std::int64_t value) {
    return std::string("\"") + name + "\":" + std::to_string(value) + ",";
  };
  return "{" + field("image_size", e.image_size) + field("patch_size", e.patch_size) + field("embed_dim", e.embed_dim) +
         field("depth", e.depth) + field("heads", e.heads) + field("window_size", e.window_size) +
         "\"global_blocks\":[" + blocks + "]," + field("out_channels", e.out_channels) +
         "\"adapter\":" + (e.adapter ? "true" : "false") + "," + fields_of(e.preprocessing) + ",\"decoder\":{" +
         field("depth", d.depth) + field("heads", d.heads) + field("mlp_dim", d.mlp_dim) +
         field("iou_hidden", d.iou_hidden) + "\"multimask_outputs\":" + std::to_string(d.multimask_outputs) + "}}";
}

HeadConfig parse_head_config(const std::string& json_text) {
  const json::Value value = parse_architecture(json_text);
  const json::Object& object = *value.get_if<json::Object>();
  const auto kind = object.find("kind");
  const auto* name = kind == object.end() ? nullptr : kind->second.get_if<std::string>();
  if (name != nullptr && *name == "sam-automed") return read_automed(object);
  if (name != nullptr && *name == "sam-medcls") return read_medcls(object);
  if (name != nullptr && *name == "autosam") return read_autosam(object);
  invalid("kind", "must be sam-automed, sam-medcls or autosam");
}

std::string to_json(const HeadConfig& config) {
  const std::string mobilenet = "\"mobilenet\":{\"width\":" + number_text(config.mobilenet.width) + ",\"se\":\"" +
                                (config.mobilenet.improved_se ? "improved" : "plain") + "\"}";
  const std::string classes = ",\"classes\":" + std::to_string(config.classes) + "}";
  switch (config.kind) {
    case HeadConfig::Kind::kSamAutoMed:
      return "{\"kind\":\"sam-automed\"," + mobilenet + (config.frozen_decoder ? ",\"decoder\":\"frozen\"" : "") +
             (config.structures > 1 ? ",\"structures\":" + std::to_string(config.structures) : "") + "}";
    case HeadConfig::Kind::kAutoSam:
      return "{\"kind\":\"autosam\",\"hardnet\":{\"width\":" + number_text(config.hardnet.width) +
             ",\"block_layers\":" + std::to_string(config.hardnet.block_layers) +
             ",\"input_size\":" + std::to_string(config.hardnet.input_size) + "}}";
    case HeadConfig::Kind::kSamMedCls:
      break;
  }
  switch (config.features) {
    case HeadConfig::Features::kEncoder:
      return "{\"kind\":\"sam-medcls\",\"features\":\"encoder\"" + classes;
    case HeadConfig::Features::kMobileNet:
      return "{\"kind\":\"sam-medcls\",\"features\":\"mobilenet\"," + mobilenet + classes;
    case HeadConfig::Features::kBoth:
      break;
  }
  return "{\"kind\":\"sam-medcls\"," + mobilenet + ",\"attention\":" + (config.attention ? "true" : "false") + classes;
}

std::vector<std::string> sam_config_names() {
  std::vector<std::string> names;
  for (const auto& [name, base] : named_bases()) names.push_back(name);
  return names;
}

SamConfig named_sam_config(const std::string& name) {
  std::string known;
  for (const auto& [each, base] : named_bases()) {
    if (each == name) {
      const Fields fields(*base.get_if<json::Object>(), each + ".", {"family", "architecture", "published"});
      return read_sam_config(fields.object("architecture"));
    }
    known += (known.empty() ? "" : ", ") + each;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "unknown architecture " + json::quote(name.substr(0, 100)) + ", known: " + known, "architecture");
}

std::string sam_config_json(const std::string& name) {
  return to_json(named_sam_config(name));
}

}  // namespace automed::models
