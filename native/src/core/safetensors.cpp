#include "core/safetensors.h"

#include <c10/util/strides.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string_view>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/json.h"

namespace automed {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors are little endian and read in place");

struct DtypeRow {
  std::string_view name;
  torch::ScalarType dtype;
  std::size_t size;
};

constexpr std::array<DtypeRow, 10> kDtypes = {{{"F64", torch::kFloat64, 8},
                                               {"F32", torch::kFloat32, 4},
                                               {"F16", torch::kFloat16, 2},
                                               {"BF16", torch::kBFloat16, 2},
                                               {"I64", torch::kInt64, 8},
                                               {"I32", torch::kInt32, 4},
                                               {"I16", torch::kInt16, 2},
                                               {"I8", torch::kInt8, 1},
                                               {"U8", torch::kUInt8, 1},
                                               {"BOOL", torch::kBool, 1}}};

constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kMaxHeaderBytes = 8u << 20;  // some 50 000 tensors; bounds what parsing a header can cost
constexpr std::size_t kMaxDimensions = 16;

const DtypeRow* find_dtype(std::string_view name) {
  const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeRow& r) { return r.name == name; });
  return row == kDtypes.end() ? nullptr : row;
}

const DtypeRow* find_dtype(torch::ScalarType dtype) {
  const auto row = std::find_if(kDtypes.begin(), kDtypes.end(), [&](const DtypeRow& r) { return r.dtype == dtype; });
  return row == kDtypes.end() ? nullptr : row;
}

[[noreturn]] void corrupt(const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the safetensors file " + what);
}

/// For messages: names come from the file, so they are cut and escaped.
std::string shown(const std::string& name) {
  return json::quote(name.substr(0, 120));
}

std::vector<std::int64_t> read_shape(const std::string& name, const json::Object& info) {
  const auto position = info.find("shape");
  const auto* dimensions = position == info.end() ? nullptr : position->second.get_if<json::Array>();
  if (dimensions == nullptr || dimensions->size() > kMaxDimensions) corrupt("gives " + shown(name) + " no valid shape");
  std::vector<std::int64_t> shape;
  shape.reserve(dimensions->size());
  for (const json::Value& dimension : *dimensions) {
    const auto* size = dimension.get_if<std::int64_t>();
    if (size == nullptr || *size < 0) corrupt("gives " + shown(name) + " no valid shape");
    shape.push_back(*size);
  }
  return shape;
}

std::pair<std::size_t, std::size_t> read_offsets(const std::string& name, const json::Object& info) {
  const auto position = info.find("data_offsets");
  const auto* offsets = position == info.end() ? nullptr : position->second.get_if<json::Array>();
  if (offsets == nullptr || offsets->size() != 2) corrupt("gives " + shown(name) + " no valid data_offsets");
  const auto* begin = (*offsets)[0].get_if<std::int64_t>();
  const auto* end = (*offsets)[1].get_if<std::int64_t>();
  if (begin == nullptr || end == nullptr || *begin < 0 || *end < *begin) {
    corrupt("gives " + shown(name) + " no valid data_offsets");
  }
  return {static_cast<std::size_t>(*begin), static_cast<std::size_t>(*end)};
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const std::string& path) {
  SafetensorsFile file;
  file.mapping_ = FileMapping::open(path, "safetensors file");
  if (file.mapping_->size() < kLengthBytes) corrupt("is shorter than its first field");
  file.read_header();
  return file;
}

void SafetensorsFile::read_header() {
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, mapping_->data(), kLengthBytes);
  const std::size_t after_length = mapping_->size() - kLengthBytes;
  if (header_bytes > after_length) corrupt("ends inside its header");
  if (header_bytes > kMaxHeaderBytes) corrupt("has a header of more than 8 MB");
  const std::string_view text(mapping_->data() + kLengthBytes, header_bytes);
  if (text.empty() || text.front() != '{') corrupt("has no header");
  const json::Limits limits{.max_bytes = kMaxHeaderBytes,
                            .max_depth = 8,
                            .code = ErrorCode::kCheckpointCorrupt,
                            .subject = "the header of the safetensors file"};
  const json::Value header = json::parse(text, limits);
  const std::size_t data_begin = kLengthBytes + header_bytes;
  const std::size_t data_bytes = mapping_->size() - data_begin;

  for (const auto& [name, value] : *header.get_if<json::Object>()) {
    const auto* info = value.get_if<json::Object>();
    if (info == nullptr) corrupt("describes " + shown(name) + " with something that is not an object");
    if (name == "__metadata__") {
      for (const auto& [key, text_value] : *info) {
        const auto* content = text_value.get_if<std::string>();
        if (content == nullptr) corrupt("has metadata that is not text");
        metadata_.emplace(key, *content);
      }
      continue;
    }
    const auto dtype_position = info->find("dtype");
    const auto* dtype_name = dtype_position == info->end() ? nullptr : dtype_position->second.get_if<std::string>();
    if (dtype_name == nullptr) corrupt("gives " + shown(name) + " no dtype");
    const DtypeRow* dtype = find_dtype(*dtype_name);
    if (dtype == nullptr) corrupt("gives " + shown(name) + " the unknown dtype " + shown(*dtype_name));
    if (info->size() != 3) corrupt("describes " + shown(name) + " with unknown fields");
    std::vector<std::int64_t> shape = read_shape(name, *info);
    const auto bytes = byte_count(shape, dtype->size);
    if (!bytes) corrupt("gives " + shown(name) + " a shape that overflows");
    const auto [begin, end] = read_offsets(name, *info);
    if (end > data_bytes) corrupt("ends before the data of " + shown(name));
    if (end - begin != *bytes) corrupt("has offsets for " + shown(name) + " that do not match its shape and dtype");
    entries_.emplace(name, Entry{dtype->dtype, std::move(shape), data_begin + begin, data_begin + end});
  }

  // Together the tensors must cover the data exactly: no overlap, no hole, nothing after the last one.
  std::vector<const std::pair<const std::string, Entry>*> ordered;
  ordered.reserve(entries_.size());
  for (const auto& item : entries_) ordered.push_back(&item);
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::size_t expected = data_begin;
  for (const auto* item : ordered) {
    if (item->second.begin < expected) corrupt("has tensors that overlap at " + shown(item->first));
    if (item->second.begin > expected) corrupt("has a hole before " + shown(item->first));
    expected = item->second.end;
  }
  if (expected != mapping_->size()) corrupt("has bytes that belong to no tensor");
}

bool SafetensorsFile::contains(const std::string& name) const {
  return entries_.contains(name);
}

std::vector<std::string> SafetensorsFile::keys() const {
  std::vector<std::string> names;
  names.reserve(entries_.size());
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

torch::Tensor SafetensorsFile::tensor(const std::string& name) const {
  const auto position = entries_.find(name);
  if (position == entries_.end()) {
    throw Error(ErrorCode::kNotFound, "the safetensors file holds no tensor " + shown(name));
  }
  const Entry& entry = position->second;
  const auto strides = c10::contiguous_strides(entry.shape);
  return view_of(mapping_, {entry.begin, entry.dtype, entry.shape, {strides.begin(), strides.end()}},
                 "safetensors file", name);
}

void save_safetensors(const std::string& path, const std::vector<std::pair<std::string, torch::Tensor>>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  // Wide types first, so that every tensor is aligned to its element size.
  std::vector<const std::pair<std::string, torch::Tensor>*> ordered;
  ordered.reserve(tensors.size());
  for (const auto& item : tensors) {
    const bool valid = item.second.defined() && find_dtype(item.second.scalar_type()) != nullptr &&
                       item.second.layout() == torch::kStrided && item.first != "__metadata__";
    if (!valid) throw Error(ErrorCode::kInvalidArgument, "cannot save the tensor " + shown(item.first), "tensors");
    ordered.push_back(&item);
  }
  std::sort(ordered.begin(), ordered.end(), [](const auto* a, const auto* b) {
    return std::pair(-static_cast<int>(a->second.element_size()), std::string_view(a->first)) <
           std::pair(-static_cast<int>(b->second.element_size()), std::string_view(b->first));
  });

  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) header += json::quote(key) + ":" + json::quote(value) + ",";
    header.back() = '}';
    header += ',';
  }
  std::size_t offset = 0;
  for (const auto* item : ordered) {
    const std::size_t end = offset + item->second.nbytes();
    header += json::quote(item->first) + ":{\"dtype\":\"" + std::string(find_dtype(item->second.scalar_type())->name) +
              "\",\"shape\":[";
    for (const std::int64_t size : item->second.sizes()) header += std::to_string(size) + ",";
    if (item->second.dim() > 0) header.pop_back();
    header += "],\"data_offsets\":[" + std::to_string(offset) + "," + std::to_string(end) + "]},";
    offset = end;
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  header.append((kLengthBytes - header.size() % kLengthBytes) % kLengthBytes, ' ');
  // Names are the caller's: what would not read back (duplicates, bad UTF-8) must not be written.
  json::parse(header, {.max_bytes = kMaxHeaderBytes, .subject = "the header to write"});

  AtomicFile file(path);
  const std::uint64_t header_bytes = header.size();
  file.write(&header_bytes, kLengthBytes);
  file.write(header.data(), header.size());
  for (const auto* item : ordered) {
    const torch::Tensor dense = item->second.detach().to(torch::kCPU).contiguous();
    if (dense.nbytes() > 0) file.write(dense.const_data_ptr(), dense.nbytes());
  }
  file.commit();
}

}  // namespace automed
