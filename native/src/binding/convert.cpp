#include "binding/convert.h"

#include <cmath>
#include <cstring>

#include "core/error.h"

namespace automed::binding {
namespace {

[[noreturn]] void wrong(const std::string& field, const char* expected) {
  throw Error(ErrorCode::kInvalidArgument, field + " must be " + expected, field);
}

}  // namespace

Napi::Object read_object(const Napi::Value& value, const std::string& field) {
  if (!value.IsObject()) wrong(field, "an object");
  return value.As<Napi::Object>();
}

std::string read_string(const Napi::Value& value, const std::string& field) {
  if (!value.IsString()) wrong(field, "a string");
  return value.As<Napi::String>().Utf8Value();
}

bool read_boolean(const Napi::Value& value, const std::string& field) {
  if (!value.IsBoolean()) wrong(field, "true or false");
  return value.As<Napi::Boolean>().Value();
}

double read_number(const Napi::Value& value, const std::string& field) {
  if (!value.IsNumber()) wrong(field, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) wrong(field, "finite");
  return number;
}

std::int64_t read_integer(const Napi::Value& value, const std::string& field, std::int64_t least, std::int64_t most) {
  const double number = read_number(value, field);
  if (number != std::floor(number)) wrong(field, "an integer");
  if (number < static_cast<double>(least) || number > static_cast<double>(most)) {
    throw Error(ErrorCode::kInvalidArgument,
                field + " must lie in [" + std::to_string(least) + ", " + std::to_string(most) + "]", field);
  }
  return static_cast<std::int64_t>(number);
}

std::optional<std::string> read_optional_string(const Napi::Value& value, const std::string& field) {
  if (value.IsNull()) return std::nullopt;
  return read_string(value, field);
}

double read_at_least_zero(const Napi::Value& value, const std::string& field) {
  const double number = read_number(value, field);
  if (number < 0) throw Error(ErrorCode::kInvalidArgument, field + " must not be negative", field);
  return number;
}

std::string any_of(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) {
    const bool last = &name == &names.back();
    text += (text.empty() ? "" : last ? " or " : ", ") + name;
  }
  return text;
}

Napi::Uint8Array read_bytes(const Napi::Value& value, const std::string& field) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    wrong(field, "a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

torch::Tensor read_optional_floats(const Napi::Value& value, const std::string& field) {
  if (value.IsNull()) return {};
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    wrong(field, "a Float32Array");
  }
  const auto array = value.As<Napi::Float32Array>();
  auto copy = torch::empty({static_cast<std::int64_t>(array.ElementLength())});
  if (copy.numel() > 0) std::memcpy(copy.data_ptr<float>(), array.Data(), copy.nbytes());
  return copy;
}

pipeline::PixelView read_pixels(const Napi::Object& pixels, const Napi::Object& data) {
  using pipeline::SampleType;
  static const Choices<SampleType> kTypes = {
      {"uint8", SampleType::kUint8}, {"uint16", SampleType::kUint16}, {"float32", SampleType::kFloat32}};
  const auto bytes = read_bytes(data, "pixels.data");
  pipeline::PixelView view{.data = bytes.Data(),
                           .size_bytes = bytes.ByteLength(),
                           .width = read_integer(pixels.Get("width"), "pixels.width", 1, pipeline::kMaxSide),
                           .height = read_integer(pixels.Get("height"), "pixels.height", 1, pipeline::kMaxSide),
                           .channels = read_integer(pixels.Get("channels"), "pixels.channels", 1, 4),
                           .sample_type = read_choice(pixels.Get("sampleType"), "pixels.sampleType", kTypes)};
  if (const auto window = pixels.Get("window"); !window.IsNull() && !window.IsUndefined()) {
    const auto ends = read_object(window, "pixels.window");
    view.window = pipeline::ValueWindow{.low = read_number(ends.Get("low"), "pixels.window.low"),
                                        .high = read_number(ends.Get("high"), "pixels.window.high")};
  }
  pipeline::check_pixels(view);
  return view;
}

Napi::Value to_buffer(Napi::Env env, const torch::Tensor& bytes) {
  auto* held = new torch::Tensor(bytes.contiguous());
  return Napi::Buffer<std::uint8_t>::NewOrCopy(
             env, held->data_ptr<std::uint8_t>(), static_cast<std::size_t>(held->numel()),
             [](Napi::Env, std::uint8_t*, torch::Tensor* tensor) { delete tensor; }, held)
      .As<Napi::Value>();
}

Napi::Value to_float_array(Napi::Env env, const torch::Tensor& values) {
  const auto source = values.to(torch::kCPU, torch::kFloat32).contiguous();
  auto array = Napi::Float32Array::New(env, static_cast<std::size_t>(source.numel()));
  std::memcpy(array.Data(), source.data_ptr<float>(), source.nbytes());
  return array.As<Napi::Value>();
}

}  // namespace automed::binding
