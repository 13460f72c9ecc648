#include "core/pth_file.h"

#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "core/checkpoint.h"
#include "core/safetensors.h"
#include "fuzz/corpus.h"
#include "support/native_test.h"
#include "support/pth_writer.h"

namespace {

using automed::Error;
using automed::ErrorCode;
using automed::PthFile;
using automed::test::error_of;
using automed::test::floats;
using automed::test::PickleWriter;
using automed::test::pth_legacy;
using automed::test::pth_zip;
using automed::test::PthTensor;
using automed::test::state_dict_pickle;
using automed::test::TemporaryFolder;

PthFile opened(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.pth");
  automed::test::write_bytes(path, bytes);
  return PthFile::open(path);
}

Error refused(ErrorCode code, const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.pth");
  automed::test::write_bytes(path, bytes);
  return error_of(code, [&] { automed::open_weights(path); });
}

bool says(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

/// Both formats of a state dict on one storage of four floats.
std::vector<std::string> both(const std::vector<PthTensor>& tensors) {
  return {pth_zip(state_dict_pickle(tensors), {{"0", floats(4)}}),
          pth_legacy(state_dict_pickle(tensors, true), {{"0", 4, floats(4)}})};
}

/// A zip file whose pickle wraps the state dict of one tensor.
std::string wrapped(const std::string& before, const std::string& after) {
  PickleWriter pickle;
  pickle.raw(before);
  automed::test::write_state_dict(pickle, {PthTensor{.name = "weight"}});
  return pth_zip(pickle.raw(after).done(), {{"0", floats(4)}});
}

std::string fixtures() {
  const char* folder = std::getenv("AUTOMED_TEST_REFERENCE");
  return std::string(folder == nullptr ? "../shared/reference" : folder) + "/fixtures/";
}

}  // namespace

TEST("pth: zip and legacy files read alike, with views, parameters and shared storages") {
  const std::vector<PthTensor> tensors = {
      {.name = "whole"},
      {.name = "transposed", .strides = {1, 2}},
      {.name = "column", .offset = 1, .sizes = {2}, .strides = {2}, .parameter = true},
      {.name = "scalar", .offset = 3, .sizes = {}, .strides = {}},
      {.name = "empty", .sizes = {0, 7}, .strides = {7, 1}}};
  for (const std::string& bytes : both(tensors)) {
    const PthFile file = opened(bytes);
    CHECK(file.keys().size() == 5 && file.left_out().empty());
    CHECK(torch::equal(file.tensor("whole"), torch::tensor({{0.f, 1.f}, {2.f, 3.f}})));
    CHECK(torch::equal(file.tensor("transposed"), torch::tensor({{0.f, 2.f}, {1.f, 3.f}})));
    CHECK(torch::equal(file.tensor("column"), torch::tensor({1.f, 3.f})));
    CHECK(file.tensor("scalar").item<float>() == 3);
    CHECK(file.tensor("empty").sizes() == torch::IntArrayRef({0, 7}));
    error_of(ErrorCode::kNotFound, [&] { file.tensor("nobody"); });
  }
}

TEST("pth: every type of storage reads as its dtype") {
  const std::vector<std::pair<std::string, torch::ScalarType>> classes = {
      {"DoubleStorage", torch::kFloat64}, {"FloatStorage", torch::kFloat32},     {"HalfStorage", torch::kFloat16},
      {"LongStorage", torch::kInt64},     {"BFloat16Storage", torch::kBFloat16}, {"IntStorage", torch::kInt32},
      {"ShortStorage", torch::kInt16},    {"CharStorage", torch::kInt8},         {"ByteStorage", torch::kUInt8},
      {"BoolStorage", torch::kBool}};
  for (const auto& [name, dtype] : classes) {
    const std::string pickle = state_dict_pickle({{.name = "a", .storage_class = name}});
    const std::string data(4 * c10::elementSize(dtype), '\0');
    CHECK(opened(pth_zip(pickle, {{"0", data}})).tensor("a").scalar_type() == dtype);
  }
  const std::string unknown = state_dict_pickle({{.name = "a", .storage_class = "QInt8Storage"}});
  refused(ErrorCode::kCheckpointCorrupt, pth_zip(unknown, {{"0", floats(4)}}));
  const std::string truth = state_dict_pickle({{.name = "a", .storage_class = "BoolStorage"}});
  const PthFile file = opened(pth_zip(truth, {{"0", "\1\2\1\1"}}));
  error_of(ErrorCode::kCheckpointCorrupt, [&] { file.tensor("a"); });
}

TEST("pth: the state dict is found under model and state_dict, whatever lies beside it") {
  const std::string adam = PickleWriter().text("optimizer").global("torch.optim.adam", "Adam").raw(")\x81}b").done();
  const std::string beside = adam.substr(2, adam.size() - 3);
  const std::string model = PickleWriter().raw("}(").text("model").done();
  const std::string state = PickleWriter().raw("}(").text("epoch").integer(3).text("state_dict").done();
  for (const std::string& start : {model, state}) {
    const PthFile file = opened(wrapped(start.substr(2, start.size() - 3), beside + "u"));
    CHECK(file.keys() == std::vector<std::string>{"weight"});
    CHECK(!file.left_out().empty());
  }
  // A name of the architecture under `model` is no state dict.
  const std::string named = PickleWriter().raw("}(").text("model").text("vit_b").text("state_dict").done();
  CHECK(opened(wrapped(named.substr(2, named.size() - 3), "u")).keys().size() == 1);
}

TEST("pth: a whole pickled module is refused with what to do") {
  const std::string module =
      PickleWriter().global("segment_anything.modeling.sam", "Sam").raw(")\x81}").text("training").raw("\x88sb").done();
  auto error = refused(ErrorCode::kCheckpointMismatch, pth_zip(module, {}));
  CHECK(says(error, "segment_anything.modeling.sam.Sam") && says(error, "state_dict()"));
  error = refused(ErrorCode::kCheckpointMismatch, pth_legacy(module, {}));
  CHECK(says(error, "state_dict()"));
  // The legacy format hands over the source with the class.
  const std::string with_source = PickleWriter()
                                      .op('(')
                                      .text("module")
                                      .global("net", "Net")
                                      .text("net.py")
                                      .text("class Net: pass")
                                      .raw("tQ)\x81}b")
                                      .done();
  CHECK(says(refused(ErrorCode::kCheckpointMismatch, pth_legacy(with_source, {})), "net.Net"));
  const std::string under_model = PickleWriter().raw("}").text("model").global("net", "Net").raw(")\x81s").done();
  CHECK(says(refused(ErrorCode::kCheckpointMismatch, pth_zip(under_model, {})), "net.Net"));
}

TEST("pth: what holds no state dict, and what is no checkpoint at all, says so") {
  refused(ErrorCode::kCheckpointMismatch, pth_zip(PickleWriter().integer(3).done(), {}));
  refused(ErrorCode::kCheckpointMismatch, pth_zip(PickleWriter().ordered_dict().done(), {}));
  const std::string tensor = PickleWriter().global("torch._utils", "_rebuild_tensor_v2").raw(")R").done();
  CHECK(says(refused(ErrorCode::kCheckpointMismatch, pth_zip(tensor, {})), "holds no state dict"));
  refused(ErrorCode::kCheckpointMismatch,
          automed::test::zip_of({{"a/data.pkl", PickleWriter().op('}').done()}, {"a/constants.pkl", "x"}}));
  CHECK(says(refused(ErrorCode::kCheckpointCorrupt, "<!DOCTYPE html><html>"), "<!DOCTYPE html>"));
  refused(ErrorCode::kCheckpointCorrupt, "");
  refused(ErrorCode::kCheckpointCorrupt, automed::test::zip_of({{"photo.txt", "hello"}}));
  const TemporaryFolder folder;
  error_of(ErrorCode::kNotFound, [&] { automed::open_weights(folder.file("none.pth")); });
}

TEST("pth: a tensor must lie within its storage") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<PthTensor> lies = {
      {.name = "a", .offset = 1},
      {.name = "a", .offset = -1},
      {.name = "a", .offset = 5},
      {.name = "a", .offset = kMost},
      {.name = "a", .sizes = {2, 3}},
      {.name = "a", .sizes = {-2, 2}},
      {.name = "a", .sizes = {kMost, kMost}},
      {.name = "a", .sizes = {0, kMost, kMost}, .strides = {1, 1, 1}},
      {.name = "a", .sizes = {2}, .strides = {4}},
      {.name = "a", .sizes = {2}, .strides = {-1}},
      {.name = "a", .sizes = {2, 2}, .strides = {kMost, kMost}},
      {.name = "a", .sizes = {100'000, 100'000}, .strides = {0, 0}},
      {.name = "a", .sizes = {2, 1000}, .strides = {4, 0}},
      {.name = "a", .sizes = {2}, .strides = {1, 1}},
      {.name = "a", .sizes = std::vector<std::int64_t>(17, 1), .strides = std::vector<std::int64_t>(17, 1)},
      {.name = "a", .storage_size = 5, .sizes = {5}, .strides = {1}},
      {.name = "a", .storage_size = -4},
      {.name = "a", .storage_size = kMost},
      {.name = "a", .storage = "1"}};
  for (const PthTensor& lie : lies) {
    for (const std::string& bytes : both({lie})) refused(ErrorCode::kCheckpointCorrupt, bytes);
  }
  // One element of a large stride is valid: the stride is never taken.
  for (const std::string& bytes : both({{.name = "a", .offset = 3, .sizes = {1}, .strides = {kMost}}})) {
    CHECK(opened(bytes).tensor("a").item<float>() == 3);
  }
}

TEST("pth: views with strides of 0 and views that overlap are read, as expand and as_strided leave them") {
  for (const std::string& bytes : both({{.name = "a", .offset = 3, .sizes = {2, 3}, .strides = {0, 0}}})) {
    CHECK(torch::equal(opened(bytes).tensor("a"), torch::full({2, 3}, 3.f)));
  }
  for (const std::string& bytes : both({{.name = "a", .sizes = {3, 2}, .strides = {1, 1}}})) {
    const auto expected = torch::tensor({0.f, 1.f, 1.f, 2.f, 2.f, 3.f}).reshape({3, 2});
    CHECK(torch::equal(opened(bytes).tensor("a"), expected));
  }
}

TEST("pth: a tensor with attributes of Python is read without them") {
  const auto attributed = [](PickleWriter& pickle) {
    pickle.text("weight").global("torch._tensor", "_rebuild_from_type_v2").raw("(");
    pickle.global("torch._utils", "_rebuild_tensor_v2").global("torch", "Tensor");
    pickle.raw("((").text("storage").global("torch", "FloatStorage").text("0").text("cpu").integer(4).raw("tQ");
    pickle.integer(0).tuple({2, 2}).tuple({2, 1}).raw("\x89").ordered_dict().raw("t");
    pickle.raw("}").text("note").integer(1).raw("stRs");
  };
  PickleWriter ordered, plain;
  ordered.ordered_dict();
  attributed(ordered);
  plain.raw("}");
  attributed(plain);
  for (const PickleWriter& pickle : {ordered, plain}) {
    const auto file = opened(pth_zip(pickle.done(), {{"0", floats(4)}}));
    CHECK(file.keys().size() == 1 && file.tensor("weight").sum().item<float>() == 6);
  }
}

TEST("pth: a state dict under any key is found when it is the only one; else the keys are listed") {
  const PthTensor weight{.name = "weight"};
  const auto under = [&](const std::vector<std::string>& keys) {
    PickleWriter pickle;
    pickle.raw("}").text("epoch").integer(3).raw("s");
    for (const std::string& key : keys) {
      pickle.text(key);
      automed::test::write_state_dict(pickle, {weight});
      pickle.raw("s");
    }
    return pth_zip(pickle.done(), {{"0", floats(4)}});
  };
  CHECK(opened(under({"model_state"})).keys() == std::vector<std::string>{"weight"});
  CHECK(opened(under({"model_state"})).left_out() == std::vector<std::string>{"epoch"});
  CHECK(opened(under({"ema", "state_dict"})).left_out() == (std::vector<std::string>{"epoch", "ema"}));
  for (const char* other : {"model", "model_state_dict"}) {
    const Error two = refused(ErrorCode::kCheckpointMismatch, under({"state_dict", other}));
    CHECK(says(two, "\"state_dict\"") && says(two, other));
  }
  const Error several = refused(ErrorCode::kCheckpointMismatch, under({"student", "teacher"}));
  CHECK(says(several, "\"student\", \"teacher\""));
  CHECK(says(refused(ErrorCode::kCheckpointMismatch, under({})), "its keys are \"epoch\""));
}

TEST("pth: a counter that is a tensor does not hide the state dict beside it, nor does what is no state dict") {
  std::vector<PthTensor> weights;
  for (const char* name : {"a", "b", "c", "d", "e"}) weights.push_back({.name = name});
  const auto beside = [&](const std::string& key, const std::string& other) {
    PickleWriter pickle;
    automed::test::write_state_dict(pickle, {{.name = "step"}});
    pickle.text(key);
    automed::test::write_state_dict(pickle, weights);
    pickle.raw("s").text(other).raw("}").text("lr").integer(1).raw("ss");
    return pth_zip(pickle.done(), {{"0", floats(4)}});
  };
  CHECK(opened(beside("net", "args")).keys().size() == 5);
  // A configuration under a usual name.
  CHECK(opened(beside("state_dict", "model")).keys().size() == 5);
}

TEST("pth: a tensor that is kept as the negative of what is stored is refused") {
  const auto kept = [](const std::string& sign, const std::string& set) {
    PickleWriter pickle;
    pickle.raw("}").text("weight").global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage");
    pickle.global("torch", "FloatStorage").text("0").text("cpu").integer(4).raw("tQ");
    pickle.integer(0).tuple({2, 2}).tuple({2, 1}).raw("\x89").ordered_dict();
    pickle.raw("}").text(sign).raw(set + "stRs");
    return pth_zip(pickle.done(), {{"0", floats(4)}});
  };
  for (const char* sign : {"neg", "conj"}) {
    CHECK(says(refused(ErrorCode::kCheckpointMismatch, kept(sign, "\x88")), "resolve_neg()"));
    CHECK(opened(kept(sign, "\x89")).keys().size() == 1);
  }
}

TEST("pth: tied weights are read, a storage named without end is not") {
  std::vector<PthTensor> tensors;
  for (int i = 0; i < 4; ++i) tensors.push_back({.name = "tied" + std::to_string(i)});
  for (const std::string& bytes : both(tensors)) CHECK(opened(bytes).keys().size() == 4);
  const std::string large(1 << 16, '\0');
  tensors.clear();
  for (int i = 0; i < 2000; ++i) {
    tensors.push_back({.name = std::to_string(i), .storage_size = 1 << 14, .sizes = {1 << 14}, .strides = {1}});
  }
  CHECK(says(refused(ErrorCode::kCheckpointCorrupt, pth_zip(state_dict_pickle(tensors), {{"0", large}})), "too often"));
}

TEST("pth: damage to the weights is found by their checksum when they are read") {
  std::string bytes = both({{.name = "weight"}})[0];
  const std::size_t at = bytes.find(floats(4));
  bytes[at] = 'x';
  const PthFile file = opened(bytes);
  CHECK(says(error_of(ErrorCode::kCheckpointCorrupt, [&] { file.tensor("weight"); }), "checksum"));
}

TEST("pth: files without checksums are read, as torch.save writes them on request") {
  std::string bytes = both({{.name = "weight"}})[0];
  for (std::size_t at = bytes.find("PK\1\2"); at != std::string::npos; at = bytes.find("PK\1\2", at + 1)) {
    std::memset(bytes.data() + at + 16, 0, 4);
  }
  CHECK(opened(bytes).tensor("weight").sum().item<float>() == 6);
}

TEST("pth: the legacy format is known in any protocol") {
  std::string bytes = both({{.name = "weight"}})[1];
  // Protocol 4 puts a frame between its number and the first value.
  bytes.replace(0, 2, std::string("\x80\x04\x95\x0d\0\0\0\0\0\0\0", 11));
  CHECK(opened(bytes).tensor("weight").sum().item<float>() == 6);
}

TEST("pth: every cut of a file is refused") {
  for (const std::string& bytes : both({{.name = "weight"}})) {
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      refused(ErrorCode::kCheckpointCorrupt, bytes.substr(0, length));
    }
  }
}

TEST("pth: a file that loads strictly loads from either format, half precision too") {
  torch::nn::Linear module(2, 2);
  const std::string pickle = state_dict_pickle({{.name = "weight"}, {.name = "bias", .sizes = {2}, .strides = {1}}});
  const PthFile file = opened(pth_zip(pickle, {{"0", floats(4)}}));
  automed::load_strict(*module, file);
  CHECK(module->weight.data()[1][1].item<float>() == 3);
  const std::string half =
      state_dict_pickle({{.name = "weight", .storage_class = "HalfStorage"},
                         {.name = "bias", .storage_class = "HalfStorage", .sizes = {2}, .strides = {1}}});
  automed::load_strict(*module, opened(pth_zip(half, {{"0", std::string(8, '\0')}})));
  CHECK(module->weight.abs().sum().item<float>() == 0);
}

TEST("pth: files that Python wrote equal their safetensors twins") {
  if (!std::filesystem::exists(fixtures())) throw automed::test::Skip("no reference fixtures in " + fixtures());
  for (const char* name :
       {"sam_tiny.pth", "sam_tiny.legacy.pth", "sam_med2d_tiny.pth", "sam_med2d_tiny.optim_state.pth"}) {
    const PthFile file = PthFile::open(fixtures() + name);
    const std::string twin = std::string(name).substr(0, std::string(name).find('.')) + ".safetensors";
    const auto expected = automed::SafetensorsFile::open(fixtures() + twin);
    CHECK(file.keys() == expected.keys());
    for (const std::string& key : file.keys()) CHECK(torch::equal(file.tensor(key), expected.tensor(key)));
  }
}

TEST("pth: six thousand hostile files are read or refused, without crash, hang or a wish for memory") {
  std::vector<std::string> originals;
  if (std::filesystem::exists(fixtures())) {
    for (const char* name : {"sam_tiny.pth", "sam_tiny.legacy.pth"}) {
      originals.push_back(automed::test::read_bytes(fixtures() + name));
    }
  }
  const TemporaryFolder folder;
  const std::string path = folder.file("a.pth");
  // What is allocated beyond this ends the test with bad_alloc.
  std::ifstream status("/proc/self/status");
  std::size_t data = 0;
  for (std::string word; status >> word;) {
    if (word == "VmData:") status >> data;
  }
  rlimit old{};
  CHECK(::getrlimit(RLIMIT_DATA, &old) == 0);
#ifndef __SANITIZE_ADDRESS__
  constexpr std::size_t kRoom = 512u << 20;
  const rlimit bounded{data * 1024 + kRoom, old.rlim_max};
  CHECK(::setrlimit(RLIMIT_DATA, &bounded) == 0);
#endif
  automed::fuzz::Corpus corpus(7, originals);
  std::size_t read = 0, refusals = 0;
  std::string failure;
  try {
    for (int i = 0; i < 6000; ++i) {
      const automed::fuzz::Sample sample = corpus.next();
      automed::test::write_bytes(path, sample.bytes);
      failure = sample.kind;
      ++(automed::fuzz::read_everything(path) == automed::fuzz::Outcome::kRead ? read : refusals);
    }
    failure.clear();
  } catch (const std::exception& error) {
    failure += std::string(": ") + error.what();
  }
  ::setrlimit(RLIMIT_DATA, &old);
  if (!failure.empty()) throw automed::test::Failure(failure);
  CHECK(read > 100 && refusals > 3000);
}
