#include "fuzz/corpus.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/weights_source.h"
#include "core/zip_archive.h"
#include "support/pth_writer.h"

namespace automed::fuzz {
namespace {

using test::PickleWriter;
using test::PthTensor;

/// Every operation of protocols 0 to 5, read or not.
constexpr std::string_view kOperations =
    "().012BCFGIJKLMNPQRSTUVX]abcdeghijlopqrstu}"
    "\x80\x81\x82\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x92\x93\x94\x95\x96\x97\x98";

constexpr std::array<std::int64_t, 16> kNumbers = {0,
                                                   1,
                                                   -1,
                                                   3,
                                                   5,
                                                   255,
                                                   65535,
                                                   65536,
                                                   std::int64_t{1} << 31,
                                                   -(std::int64_t{1} << 31),
                                                   (std::int64_t{1} << 32) - 1,
                                                   std::int64_t{1} << 32,
                                                   std::int64_t{1} << 40,
                                                   std::int64_t{1} << 62,
                                                   std::numeric_limits<std::int64_t>::max(),
                                                   std::numeric_limits<std::int64_t>::min()};

/// Where `data.pkl` lies in a zip file, and its declared checksum in the directory; nothing for other files.
struct PicklePlace {
  std::size_t begin = 0, size = 0, checksum = 0;
};

PicklePlace find_pickle(const std::string& bytes) {
  const ZipArchive archive(bytes);
  for (const auto& [name, entry] : archive.entries()) {
    if (!name.ends_with("/data.pkl")) continue;
    for (std::size_t at = bytes.find("PK\1\2"); at != std::string::npos; at = bytes.find("PK\1\2", at + 1)) {
      if (bytes.compare(at + 46, name.size(), name) == 0) return {entry.begin, entry.size, at + 16};
    }
  }
  return {};
}

void write_checksum(std::string& bytes, const PicklePlace& place) {
  const std::uint32_t crc = crc32(std::string_view(bytes).substr(place.begin, place.size));
  std::memcpy(bytes.data() + place.checksum, &crc, sizeof crc);
}

/// A pickle of `content` between the header of a well-formed file and its end.
std::string file_with(const std::string& pickle, bool legacy) {
  if (legacy) return test::pth_legacy(pickle, {{"0", 4, test::floats(4)}});
  return test::pth_zip(pickle, {{"0", test::floats(4)}});
}

}  // namespace

Corpus::Corpus(std::uint64_t seed, std::vector<std::string> originals)
    : random_(seed), originals_(std::move(originals)) {}

std::int64_t Corpus::hostile_number() {
  return below(3) == 0 ? static_cast<std::int64_t>(random_()) : kNumbers[below(kNumbers.size())];
}

std::string Corpus::well_formed() {
  const bool legacy = below(2) == 0;
  const PthTensor weight{.name = "weight"};
  const PthTensor row{.name = "row", .offset = 2, .sizes = {2}, .strides = {1}, .parameter = below(2) == 0};
  if (below(2) == 0) return file_with(test::state_dict_pickle({weight, row}, legacy), legacy);
  PickleWriter pickle;
  pickle.op('}').op('(').text("model");
  write_state_dict(pickle, {weight, row}, legacy);
  pickle.text("optimizer").global("torch.optim.adam", "Adam").raw(")\x81}(").text("lr").integer(1).raw("ub");
  return file_with(pickle.op('u').done(), legacy);
}

/// Changes a few bytes in [from, to).
void Corpus::damage(std::string& bytes, std::size_t from, std::size_t to) {
  const std::size_t changes = 1 + below(6);
  for (std::size_t i = 0; i < changes && to > from; ++i) {
    const std::size_t at = from + below(to - from);
    const std::int64_t number = hostile_number();
    const std::size_t room = to - at;
    switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(below(256));
        break;
      case 1:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 2:
        bytes[at] = kOperations[below(kOperations.size())];
        break;
      case 3:
        std::memcpy(bytes.data() + at, &number, std::min<std::size_t>(room, std::size_t{1} << below(4)));
        break;
      default: {
        const std::size_t source = from + below(to - from);
        std::memmove(bytes.data() + at, bytes.data() + source, std::min({room, to - source, 1 + below(8)}));
        break;
      }
    }
  }
}

Sample Corpus::damaged_original() {
  const bool real = !originals_.empty() && below(16) == 0;
  std::string bytes = real ? originals_[below(originals_.size())] : well_formed();
  switch (below(4)) {
    case 0:
      bytes.resize(below(bytes.size()));
      return {"truncated", std::move(bytes)};
    case 1: {
      // The directory of a zip file, the pickles of a legacy one.
      const std::size_t length = std::min<std::size_t>(bytes.size(), 2048);
      const std::size_t from = below(2) == 0 ? 0 : bytes.size() - length;
      damage(bytes, from, from + length);
      return {"damaged at an end", std::move(bytes)};
    }
    case 2:
      if (bytes.size() < 100'000)
        bytes.insert(below(bytes.size()), std::string(1 + below(64), static_cast<char>(below(256))));
      damage(bytes, 0, bytes.size());
      return {"shifted", std::move(bytes)};
    default:
      damage(bytes, 0, bytes.size());
      return {"damaged anywhere", std::move(bytes)};
  }
}

/// Damage that the checksum does not give away.
Sample Corpus::damaged_pickle() {
  const bool real = !originals_.empty() && below(16) == 0;
  std::string bytes = real ? originals_[below(originals_.size())] : well_formed();
  if (!bytes.starts_with("PK")) {
    damage(bytes, 0, std::min<std::size_t>(bytes.size(), 4096));
    return {"damaged legacy pickle", std::move(bytes)};
  }
  const PicklePlace place = find_pickle(bytes);
  damage(bytes, place.begin, place.begin + place.size);
  write_checksum(bytes, place);
  return {"damaged pickle, right checksum", std::move(bytes)};
}

Sample Corpus::hostile_numbers() {
  const bool legacy = below(2) == 0;
  PthTensor tensor{.name = "weight"};
  const auto sprinkle = [&](std::int64_t& number) {
    if (below(4) == 0) number = hostile_number();
  };
  sprinkle(tensor.offset);
  sprinkle(tensor.storage_size);
  if (below(8) == 0) tensor.sizes.assign(below(40), 1);
  if (below(8) == 0) tensor.strides.assign(below(40), static_cast<std::int64_t>(below(3)));
  for (auto& size : tensor.sizes) sprinkle(size);
  for (auto& stride : tensor.strides) sprinkle(stride);
  constexpr std::array<std::pair<const char*, std::size_t>, 5> kClasses = {
      {{"FloatStorage", 4}, {"BoolStorage", 1}, {"DoubleStorage", 8}, {"ByteStorage", 1}, {"QInt8Storage", 1}}};
  const auto [storage_class, width] = kClasses[below(kClasses.size())];
  tensor.storage_class = storage_class;
  const std::string pickle = test::state_dict_pickle({tensor}, legacy);
  // Often as many bytes as the storage says, so that the numbers of the view decide.
  const bool honest = tensor.storage_size >= 0 && tensor.storage_size < 9 && below(2) == 0;
  const std::string bytes(honest ? static_cast<std::size_t>(tensor.storage_size) * width : below(64), '\1');
  if (!legacy) return {"hostile numbers", test::pth_zip(pickle, {{"0", bytes}})};
  const std::int64_t declared = below(4) != 0 ? tensor.storage_size : hostile_number();
  return {"hostile numbers, legacy", test::pth_legacy(pickle, {{"0", declared, bytes}})};
}

Sample Corpus::opcode_noise() {
  PickleWriter pickle;
  const std::size_t length = 1 + below(400);
  for (std::size_t i = 0; i < length; ++i) {
    // Some constants between the operations, or nearly all noise would end at an empty stack.
    switch (below(4)) {
      case 0:
        pickle.integer(static_cast<std::int64_t>(below(9)));
        break;
      case 1:
        pickle.raw("N]}(").text("model");
        break;
      default:
        pickle.op(kOperations[below(kOperations.size())]);
        break;
    }
  }
  return {"opcode noise", file_with(pickle.done(), below(2) == 0)};
}

/// Small files that would cost much: nesting, growth, numbers of things.
Sample Corpus::exhausting() {
  const std::size_t many = 1000 + below(300'000);
  PickleWriter pickle;
  switch (below(7)) {
    case 0:  // tuples in tuples
      pickle.op('N').raw(std::string(many, '\x85'));
      break;
    case 1:  // lists that never end
      pickle.raw(std::string(many, ']'));
      break;
    case 2:  // marks
      pickle.raw(std::string(many, '('));
      break;
    case 3: {  // a list that is appended to itself, over and over
      pickle.raw("]q\x01").op('(');
      for (std::size_t i = 0; i < many; ++i) pickle.raw("h\x01");
      pickle.op('e');
      break;
    }
    case 4:  // a dictionary that is its own model
      pickle.raw("}q\x01").text("model").raw("h\x01s");
      break;
    case 5:  // a memo of four billion entries
      pickle.raw("Nr\xff\xff\xff\xff");
      break;
    default:  // a text of four billion bytes
      pickle.raw("X\xff\xff\xff\xff").raw(std::string(100, 'x'));
      break;
  }
  return {"exhausting", file_with(pickle.done(), below(2) == 0)};
}

/// Many tensors on one storage, some larger than it by strides of 0.
Sample Corpus::aliasing() {
  const bool legacy = below(2) == 0;
  std::vector<PthTensor> tensors;
  const std::size_t count = 1 + below(300);
  for (std::size_t i = 0; i < count; ++i) {
    PthTensor tensor{.name = "t" + std::to_string(below(count))};
    if (below(50) == 0) {
      tensor.sizes = {static_cast<std::int64_t>(1 + below(1 << 20)), 4};
      tensor.strides = {0, 1};
    }
    tensors.push_back(tensor);
  }
  return {"aliasing", file_with(test::state_dict_pickle(tensors, legacy), legacy)};
}

Sample Corpus::next() {
  switch (below(8)) {
    case 0:
    case 1:
      return damaged_original();
    case 2:
    case 3:
      return damaged_pickle();
    case 4:
      return hostile_numbers();
    case 5:
      return opcode_noise();
    case 6:
      return aliasing();
    default:
      return below(8) == 0 ? exhausting() : hostile_numbers();
  }
}

Outcome read_everything(const std::string& path, std::string* why) {
  try {
    const auto weights = open_weights(path);
    for (const std::string& name : weights->keys()) weights->tensor(name).to(torch::kFloat64).sum();
    return Outcome::kRead;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCheckpointCorrupt && error.code() != ErrorCode::kCheckpointMismatch) throw;
    if (why != nullptr) *why = error.what();
    return Outcome::kRefused;
  }
}

}  // namespace automed::fuzz
