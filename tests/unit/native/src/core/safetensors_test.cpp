#include "core/safetensors.h"

#include <unistd.h>

#include <cstring>
#include <random>

#include "support/native_test.h"

namespace {

using automed::Error;
using automed::ErrorCode;
using automed::SafetensorsFile;
using automed::test::error_of;
using automed::test::TemporaryFolder;

std::string with_length(const std::string& header, std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return with_length(header, header.size()) + std::string(data_bytes, '\1');
}

Error open_error(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("bad.safetensors");
  automed::test::write_bytes(path, bytes);
  return error_of(ErrorCode::kCheckpointCorrupt, [&] { SafetensorsFile::open(path); });
}

std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

std::vector<std::pair<std::string, torch::Tensor>> sample() {
  return {{"weight", torch::randn({3, 4})},
          {"half", torch::randn({5}).to(torch::kFloat16)},
          {"brain", torch::randn({2, 2}).to(torch::kBFloat16)},
          {"double", torch::randn({2}, torch::kFloat64)},
          {"count", torch::tensor(7, torch::kInt64)},
          {"i32", torch::arange(3, torch::kInt32)},
          {"i16", torch::arange(3, torch::kInt16)},
          {"i8", torch::arange(3, torch::kInt8)},
          {"bytes", torch::arange(5, torch::kUInt8)},
          {"flags", torch::tensor({true, false, true})},
          {"empty", torch::empty({0, 4})},
          {"transposed", torch::randn({3, 2}).t()}};
}

}  // namespace

TEST("safetensors: every dtype reads back as it was written, with metadata") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  const auto tensors = sample();
  automed::save_safetensors(path, tensors, {{"note", "line\n\"quoted\""}});
  const SafetensorsFile file = SafetensorsFile::open(path);
  CHECK(file.keys().size() == tensors.size());
  CHECK(file.metadata().at("note") == "line\n\"quoted\"");
  for (const auto& [name, tensor] : tensors) {
    CHECK(file.contains(name));
    CHECK(file.tensor(name).dtype() == tensor.dtype());
    CHECK(torch::equal(file.tensor(name), tensor));
  }
  error_of(ErrorCode::kNotFound, [&] { file.tensor("nobody"); });
}

TEST("safetensors: a tensor outlives its file object, and writing to it leaves the file alone") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, {{"a", torch::ones({1000})}});
  torch::Tensor tensor;
  {
    const SafetensorsFile file = SafetensorsFile::open(path);
    tensor = file.tensor("a");
  }
  tensor.mul_(2);
  CHECK(tensor.sum().item<float>() == 2000);
  CHECK(SafetensorsFile::open(path).tensor("a").sum().item<float>() == 1000);
}

TEST("safetensors: saving over a file replaces it and leaves nothing else in the folder") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, {{"a", torch::ones({10})}});
  const SafetensorsFile old = SafetensorsFile::open(path);
  automed::save_safetensors(path, {{"b", torch::zeros({20})}});
  CHECK(folder.names().size() == 1);
  CHECK(SafetensorsFile::open(path).contains("b"));
  CHECK(old.tensor("a").sum().item<float>() == 10);  // a reader keeps the version that it opened
}

TEST("safetensors: a missing file or folder is not found") {
  const TemporaryFolder folder;
  error_of(ErrorCode::kNotFound, [&] { SafetensorsFile::open(folder.file("none.safetensors")); });
  error_of(ErrorCode::kNotFound, [&] { automed::save_safetensors(folder.file("no/a.safetensors"), sample()); });
}

TEST("safetensors: refuses names that would not read back") {
  const TemporaryFolder folder;
  const torch::Tensor one = torch::ones({1});
  const std::string path = folder.file("a.safetensors");
  error_of(ErrorCode::kInvalidArgument, [&] { automed::save_safetensors(path, {{"a", one}, {"a", one}}); });
  error_of(ErrorCode::kInvalidArgument, [&] { automed::save_safetensors(path, {{"\xFF", one}}); });
  error_of(ErrorCode::kInvalidArgument, [&] { automed::save_safetensors(path, {{"__metadata__", one}}); });
  error_of(ErrorCode::kInvalidArgument, [&] { automed::save_safetensors(path, {{"a", torch::Tensor()}}); });
  CHECK(folder.names().empty());
}

TEST("safetensors: a full disk is STORAGE_FULL and leaves nothing visible") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, {{"a", torch::ones({10})}});
  const std::string before = automed::test::read_bytes(path);
  {
    const automed::test::FileSizeLimit disk(1 << 20);
    error_of(ErrorCode::kStorageFull, [&] { automed::save_safetensors(path, {{"a", torch::ones({1 << 20})}}); });
  }
  CHECK(folder.names().size() == 1);
  CHECK(automed::test::read_bytes(path) == before);
}

TEST("safetensors: refuses a header length that lies") {
  const std::string header = entry("F32", "[2]", "[0,8]");
  open_error("");
  open_error("1234567");
  open_error(with_length(header, header.size() + 1));
  open_error(with_length(header, 0));
  open_error(with_length(header + std::string(8, 'x'), header.size() - 3));
  open_error(with_length(header, ~std::uint64_t{0}));
  open_error(with_length(header, std::uint64_t{1} << 63));
  open_error(with_length(header, ~std::uint64_t{0} - 7));  // 8 + length overflows
}

TEST("safetensors: refuses shapes that are negative, overflow or are not shapes") {
  for (const char* shape :
       {"[-1]", "[2.5]", "[\"2\"]", "2", "null", "{}", "[9223372036854775807]", "[4294967296,4294967296]",
        "[4611686018427387904,2]", "[0,9223372036854775807,9223372036854775807]", "[18446744073709551615]", "[3]",
        "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2]"}) {
    open_error(file_of(entry("F32", shape, "[0,8]"), 8));
  }
}

TEST("safetensors: refuses offsets outside the file, reversed, or not matching the shape") {
  for (const char* offsets : {"[0,9]", "[0,16]", "[4,12]", "[8,0]", "[-8,0]", "[0]", "[0,8,8]", "[0,8.0]", "null",
                              "[0,9223372036854775807]", "[9223372036854775800,9223372036854775807]", "[0,4]"}) {
    open_error(file_of(entry("F32", "[2]", offsets), 8));
  }
}

TEST("safetensors: refuses unknown dtypes and fields, missing fields and wrong kinds") {
  for (const char* dtype : {"F33", "f32", "", "C64", "F8_E4M3"}) open_error(file_of(entry(dtype, "[2]", "[0,8]"), 8));
  for (const char* header :
       {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", R"({"a":{"dtype":"F32","data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[2]}})", R"({"a":{"dtype":32,"shape":[2],"data_offsets":[0,8]}})",
        R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", R"({"a":[]})", R"({"a":null})", "[]",
        R"({"__metadata__":{"a":1}})", R"({"__metadata__":[]})"}) {
    open_error(file_of(header, 8));
  }
}

TEST("safetensors: refuses tensors that overlap, leave holes or bytes at the end") {
  const auto two = [](const char* a, const char* b) {
    return std::string(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":)") + a +
           R"(},"b":{"dtype":"F32","shape":[2],"data_offsets":)" + b + "}}";
  };
  open_error(file_of(two("[0,8]", "[0,8]"), 16));
  open_error(file_of(two("[0,8]", "[4,12]"), 16));
  open_error(file_of(two("[0,8]", "[12,20]"), 20));
  open_error(file_of(two("[4,12]", "[12,20]"), 20));
  open_error(file_of(two("[0,8]", "[8,16]"), 17));
  open_error(file_of("{}", 1));
}

TEST("safetensors: refuses duplicate names, deep nesting and invalid UTF-8 in the header") {
  const std::string one = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  open_error(file_of("{" + one + "," + one + "}", 8));
  open_error(file_of(R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8));
  open_error(file_of("{\"a\":" + std::string(200000, '['), 8));
  open_error(file_of("{\"a\":" + std::string(200000, '{'), 8));
  open_error(file_of("{\"\xC3\x28\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8));
  open_error(file_of(std::string("{\"a\0b\":{}}", 10), 8));
}

TEST("safetensors: reads data that is not aligned, and refuses truth values other than 0 and 1") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  const std::string header =
      R"({"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"f":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}})";
  std::string data(5, '\0');
  const float value = 2.5f;
  std::memcpy(data.data() + 1, &value, 4);
  automed::test::write_bytes(path, with_length(header, header.size()) + data);
  CHECK(SafetensorsFile::open(path).tensor("f").item<float>() == 2.5f);

  automed::test::write_bytes(path, file_of(entry("BOOL", "[2]", "[0,2]"), 0) + "\1\2");
  const SafetensorsFile flags = SafetensorsFile::open(path);
  error_of(ErrorCode::kCheckpointCorrupt, [&] { flags.tensor("a"); });
}

TEST("safetensors: a file that is cut while open is reported, not a crash") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, {{"a", torch::ones({100000})}});
  const SafetensorsFile file = SafetensorsFile::open(path);
  CHECK(::truncate(path.c_str(), 4096) == 0);
  error_of(ErrorCode::kCheckpointCorrupt, [&] { file.tensor("a"); });
}

TEST("safetensors: a folder or a pipe in the file's place is refused") {
  const TemporaryFolder folder;
  error_of(ErrorCode::kCheckpointCorrupt, [&] { SafetensorsFile::open(folder.file("")); });
}

TEST("safetensors: twenty thousand damaged files either open or are refused, and never crash") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.safetensors");
  automed::save_safetensors(path, sample(), {{"k", "v"}});
  const std::string good = automed::test::read_bytes(path);
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  std::mt19937 random(42);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  constexpr std::string_view kLikely = "{}[]\",:0123456789-eE.\\u";
  int opened = 0, refused = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    const std::size_t changes = 1 + below(4);
    for (std::size_t change = 0; change < changes; ++change) {
      const std::size_t at = below(10) == 0 ? below(bytes.size()) : below(8 + header);
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<char>(below(256));
          break;
        case 1:
          bytes[at] = kLikely[below(kLikely.size())];
          break;
        case 2:
          bytes.erase(at, 1 + below(8));
          break;
        default:
          bytes.insert(at, 1, kLikely[below(kLikely.size())]);
          break;
      }
      if (below(20) == 0) bytes.resize(below(bytes.size()) + 1);
      if (bytes.size() < 9 + header) break;
    }
    automed::test::write_bytes(path, bytes);
    try {
      const SafetensorsFile file = SafetensorsFile::open(path);
      for (const std::string& name : file.keys()) file.tensor(name).to(torch::kFloat64).sum();
      ++opened;
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kCheckpointCorrupt);
      ++refused;
    }
  }
  CHECK(opened > 0 && refused > 10000);
}
