#include "core/torch_pickle.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "core/error.h"
#include "core/file_mapping.h"
#include "core/json.h"

namespace automed {
namespace {

struct StorageClass {
  std::string_view name;
  c10::ScalarType dtype;
};

constexpr std::array<StorageClass, 10> kStorageClasses = {{{"DoubleStorage", c10::ScalarType::Double},
                                                           {"FloatStorage", c10::ScalarType::Float},
                                                           {"HalfStorage", c10::ScalarType::Half},
                                                           {"BFloat16Storage", c10::ScalarType::BFloat16},
                                                           {"LongStorage", c10::ScalarType::Long},
                                                           {"IntStorage", c10::ScalarType::Int},
                                                           {"ShortStorage", c10::ScalarType::Short},
                                                           {"CharStorage", c10::ScalarType::Char},
                                                           {"ByteStorage", c10::ScalarType::Byte},
                                                           {"BoolStorage", c10::ScalarType::Bool}}};

/// Under which keys training scripts keep the weights.
constexpr std::array<std::string_view, 3> kNestings = {"model", "state_dict", "model_state_dict"};
constexpr int kMaxNesting = 4;
constexpr std::size_t kMaxTensorDimensions = 16;
constexpr std::size_t kMaxNameBytes = 1024;
constexpr std::size_t kMaxTensors = 1u << 16;
constexpr std::size_t kMaxLeftOut = 1000;  // names that are reported

[[noreturn]] void corrupt_pth(const std::string& what) {
  throw Error(ErrorCode::kCheckpointCorrupt, "the .pth file " + what);
}

std::string quoted(std::string_view text) {
  return json::quote(text.substr(0, 120));
}

/// Makes sense of the values of one pickle.
class Interpreter {
 public:
  explicit Interpreter(const pickle::Tree& tree) : tree_(tree) {}

  /// Items of a dict or OrderedDict; null for anything else.
  const std::vector<std::pair<pickle::Id, pickle::Id>>* items_of(pickle::Id id) const {
    if (const auto* dict = tree_.get_if<pickle::Dict>(id)) return &dict->items;
    const auto* object = tree_.get_if<pickle::Object>(id);
    return object != nullptr && calls(*object, "collections", "OrderedDict") ? &object->items : nullptr;
  }

  std::string_view text(pickle::Id id) const {
    const auto* value = tree_.get_if<pickle::Text>(id);
    return value == nullptr ? std::string_view() : value->value;
  }

  /// The class of an object, e.g. `segment_anything.modeling.sam.Sam`; empty when it has none.
  std::string class_of(pickle::Id id) const {
    const auto* object = tree_.get_if<pickle::Object>(id);
    const auto* global = object == nullptr ? nullptr : tree_.get_if<pickle::Global>(object->callable);
    // The legacy format hands a module's class over together with its source.
    if (object != nullptr && global == nullptr) {
      if (const auto* parts = persistent(object->callable); parts != nullptr && parts->size() > 1) {
        global = tree_.get_if<pickle::Global>((*parts)[1]);
      }
    }
    return global == nullptr ? "" : std::string(global->module) + "." + std::string(global->name);
  }

  /// The tensor that a value describes; nothing when it is no tensor. Throws when it is one that cannot be.
  std::optional<PickledTensor> tensor(pickle::Id id, std::string_view name) const {
    const std::optional<pickle::Id> described = arguments_of_tensor(id);
    if (!described) return std::nullopt;
    const auto* arguments = tree_.get_if<pickle::Sequence>(*described);
    if (arguments == nullptr || arguments->items.size() < 4) corrupt_pth("describes " + quoted(name) + " badly");
    const auto* storage_parts = persistent(arguments->items[0]);
    if (storage_parts == nullptr) corrupt_pth("gives " + quoted(name) + " no storage");
    if (arguments->items.size() > 6) check_no_lazy_sign(arguments->items[6], name);
    PickledTensor tensor = storage(*storage_parts, name);
    const std::int64_t first = tensor.offset;  // of a storage that is itself a view
    const std::int64_t within = integer(arguments->items[1], name);
    if (within < 0 || within > tensor.storage_size - first)
      corrupt_pth("has an offset outside the storage of " + quoted(name));
    tensor.offset = first + within;
    tensor.sizes = integers(arguments->items[2], name);
    tensor.strides = integers(arguments->items[3], name);
    check_view(tensor, name);
    return tensor;
  }

  /// Tensors that a dictionary holds itself; 0 for anything else.
  std::ptrdiff_t tensor_count(pickle::Id id) const {
    const auto* items = items_of(id);
    return items == nullptr ? 0 : std::count_if(items->begin(), items->end(), [&](const auto& item) {
      return arguments_of_tensor(item.second).has_value();
    });
  }

  bool has_tensors(pickle::Id id) const { return tensor_count(id) > 0; }

  /// The fields of a persistent id, if `id` is one.
  const std::vector<pickle::Id>* persistent(pickle::Id id) const {
    const auto* reference = tree_.get_if<pickle::Persistent>(id);
    const auto* fields = reference == nullptr ? nullptr : tree_.get_if<pickle::Sequence>(reference->id);
    return fields == nullptr ? nullptr : &fields->items;
  }

  /// ('storage', class, key, location, size[, view]); nothing when it is something else.
  std::optional<std::pair<std::string_view, PickledStorage>> storage_of(const std::vector<pickle::Id>& fields) const {
    if (fields.size() < 5 || text(fields[0]) != "storage") return std::nullopt;
    const auto* type = tree_.get_if<pickle::Global>(fields[1]);
    const auto* key = tree_.get_if<pickle::Text>(fields[2]);
    const auto* size = tree_.get_if<std::int64_t>(fields[4]);
    if (type == nullptr || key == nullptr || size == nullptr || *size < 0) corrupt_pth("has a malformed storage");
    const auto row = std::find_if(kStorageClasses.begin(), kStorageClasses.end(),
                                  [&](const StorageClass& r) { return r.name == type->name; });
    const bool known = row != kStorageClasses.end() && (type->module == "torch" || type->module == "torch.cuda");
    if (!known) corrupt_pth("has a storage of the unknown class " + quoted(type->name));
    if (static_cast<std::size_t>(*size) > kMaxBytes / c10::elementSize(row->dtype))
      corrupt_pth("has a storage of impossible size");
    return std::pair(key->value, PickledStorage{row->dtype, *size});
  }

 private:
  static constexpr std::string_view kUtils = "torch._utils";
  static constexpr std::size_t kMaxBytes = std::numeric_limits<std::int64_t>::max();

  bool is(pickle::Id id, std::string_view module, std::string_view name) const {
    const auto* global = tree_.get_if<pickle::Global>(id);
    return global != nullptr && global->module == module && global->name == name;
  }

  bool calls(const pickle::Object& object, std::string_view module, std::string_view name) const {
    return is(object.callable, module, name);
  }

  /// Whether a function makes a tensor of its arguments; _rebuild_tensor: before version 0.4.
  bool rebuilds_tensor(pickle::Id function) const {
    return is(function, kUtils, "_rebuild_tensor_v2") || is(function, kUtils, "_rebuild_tensor");
  }

  /// What a tensor is rebuilt of, whether it is a parameter or carries attributes of Python; nothing when a value is no
  /// tensor.
  std::optional<pickle::Id> arguments_of_tensor(pickle::Id id) const {
    const auto* object = tree_.get_if<pickle::Object>(id);
    if (object == nullptr) return std::nullopt;
    if (calls(*object, kUtils, "_rebuild_parameter") || calls(*object, kUtils, "_rebuild_parameter_with_state")) {
      const auto* arguments = tree_.get_if<pickle::Sequence>(object->arguments);
      if (arguments == nullptr || arguments->items.empty()) return std::nullopt;
      object = tree_.get_if<pickle::Object>(arguments->items[0]);
      if (object == nullptr) return std::nullopt;
    }
    // (function, class, arguments, attributes); attributes are not read.
    if (calls(*object, "torch._tensor", "_rebuild_from_type_v2") ||
        calls(*object, "torch._tensor", "_rebuild_from_type")) {
      const auto* parts = tree_.get_if<pickle::Sequence>(object->arguments);
      if (parts == nullptr || parts->items.size() < 3 || !rebuilds_tensor(parts->items[0])) return std::nullopt;
      return parts->items[2];
    }
    if (!rebuilds_tensor(object->callable)) return std::nullopt;
    return object->arguments;
  }

  PickledTensor storage(const std::vector<pickle::Id>& fields, std::string_view name) const {
    const auto found = storage_of(fields);
    if (!found) corrupt_pth("gives " + quoted(name) + " no storage");
    const auto& [key, record] = *found;
    PickledTensor tensor{key, record.size, record.dtype, 0, {}, {}};
    // PyTorch before 0.4 knew views of storages: (key, offset, size).
    if (fields.size() > 5 && tree_.get_if<pickle::None>(fields[5]) == nullptr) {
      const auto* view = tree_.get_if<pickle::Sequence>(fields[5]);
      if (view == nullptr || view->items.size() != 3)
        corrupt_pth("has a malformed view of the storage of " + quoted(name));
      const std::int64_t offset = integer(view->items[1], name), size = integer(view->items[2], name);
      if (offset < 0 || size < 0 || offset > record.size || size > record.size - offset) {
        corrupt_pth("has a view outside the storage of " + quoted(name));
      }
      tensor.offset = offset;
      tensor.storage_size = offset + size;
    }
    return tensor;
  }

  std::int64_t integer(pickle::Id id, std::string_view name) const {
    const auto* value = tree_.get_if<std::int64_t>(id);
    if (value == nullptr) corrupt_pth("has something else where a number of " + quoted(name) + " belongs");
    return *value;
  }

  /// A tuple of numbers, or torch.Size around one.
  std::vector<std::int64_t> integers(pickle::Id id, std::string_view name) const {
    if (const auto* object = tree_.get_if<pickle::Object>(id); object != nullptr && calls(*object, "torch", "Size")) {
      const auto* arguments = tree_.get_if<pickle::Sequence>(object->arguments);
      if (arguments != nullptr && arguments->items.size() == 1) id = arguments->items[0];
    }
    const auto* sequence = tree_.get_if<pickle::Sequence>(id);
    if (sequence == nullptr || sequence->items.size() > kMaxTensorDimensions) {
      corrupt_pth("gives " + quoted(name) + " no valid shape");
    }
    std::vector<std::int64_t> values;
    for (const pickle::Id item : sequence->items) values.push_back(integer(item, name));
    return values;
  }

  /// PyTorch may keep a tensor as the view of its negative or conjugate: what is stored is then another tensor.
  void check_no_lazy_sign(pickle::Id metadata, std::string_view name) const {
    const auto* items = items_of(metadata);
    if (items == nullptr) return;
    for (const auto& [key, value] : *items) {
      const auto* set = tree_.get_if<bool>(value);
      if ((text(key) == "neg" || text(key) == "conj") && set != nullptr && *set) {
        throw Error(ErrorCode::kCheckpointMismatch, "the .pth file keeps " + quoted(name) +
                                                        " as a negative or conjugate view; save the weights after "
                                                        "resolve_neg() and resolve_conj()");
      }
    }
  }

  static void check_view(const PickledTensor& tensor, std::string_view name) {
    const bool valid =
        tensor.sizes.size() == tensor.strides.size() &&
        std::all_of(tensor.sizes.begin(), tensor.sizes.end(), [](auto size) { return size >= 0; }) &&
        std::all_of(tensor.strides.begin(), tensor.strides.end(), [](auto stride) { return stride >= 0; });
    if (!valid) corrupt_pth("gives " + quoted(name) + " no valid shape");
    const auto bytes = byte_count(tensor.sizes, c10::elementSize(tensor.dtype));
    if (!bytes) corrupt_pth("gives " + quoted(name) + " a shape that overflows");
    if (*bytes == 0) return;
    // Strides of 0 (Tensor.expand) and views that overlap are legal: what counts is the last element that is reached.
    std::int64_t room = tensor.storage_size - tensor.offset;
    for (std::size_t i = 0; i < tensor.sizes.size(); ++i) {
      const std::int64_t steps = tensor.sizes[i] - 1;
      if (steps > 0 && tensor.strides[i] > (room - 1) / steps) room = 0;
      if (room > 0) room -= steps * tensor.strides[i];
    }
    if (room < 1) corrupt_pth("has a view outside the storage of " + quoted(name));
  }

  const pickle::Tree& tree_;
};

/// `; its keys are "a", "b" and 3 more`, of a dictionary.
std::string keys_text(const Interpreter& interpreter, pickle::Id id) {
  constexpr std::size_t kListed = 8;
  const auto* items = interpreter.items_of(id);
  if (items == nullptr || items->empty()) return "";
  std::string text = "; its keys are ";
  for (std::size_t i = 0; i < std::min(items->size(), kListed); ++i) {
    text += (i == 0 ? "" : ", ") + quoted(interpreter.text((*items)[i].first));
  }
  if (items->size() > kListed) text += " and " + std::to_string(items->size() - kListed) + " more";
  return text;
}

[[noreturn]] void no_state_dict(const Interpreter& interpreter, pickle::Id id) {
  const std::string name = interpreter.class_of(id);
  // A tensor on its own is an object of these, too, and a dictionary may be one.
  if (name.empty() || name.starts_with("torch._") || interpreter.items_of(id) != nullptr) {
    throw Error(ErrorCode::kCheckpointMismatch, "the .pth file holds no state dict" + keys_text(interpreter, id));
  }
  throw Error(ErrorCode::kCheckpointMismatch,
              "the .pth file holds a whole pickled object (" + json::quote(name.substr(0, 200)) +
                  "), which only its own Python code can open; where that code is installed, save the weights alone: "
                  "torch.save(torch.load(FILE, weights_only=False).state_dict(), \"weights.pth\")");
}

bool is_nesting(std::string_view key) {
  return std::find(kNestings.begin(), kNestings.end(), key) != kNestings.end();
}

void leave_out(PickledStateDict& found, std::string_view name) {
  if (found.left_out.size() < kMaxLeftOut) found.left_out.emplace_back(name.substr(0, kMaxNameBytes));
}

using Candidates = std::map<std::string_view, pickle::Id>;

/// The only one of some state dicts; nothing of none. Which of several is meant nobody can tell.
std::optional<pickle::Id> only_one(const Candidates& candidates) {
  if (candidates.empty()) return std::nullopt;
  const pickle::Id first = candidates.begin()->second;
  const bool same = std::all_of(candidates.begin(), candidates.end(), [&](const auto& c) { return c.second == first; });
  if (same) return first;
  std::string names;
  for (const auto& [key, value] : candidates) names += (names.empty() ? "" : ", ") + quoted(key);
  throw Error(ErrorCode::kCheckpointMismatch, "the .pth file holds state dicts under several keys (" +
                                                  names.substr(0, 500) + "); save the one that is wanted alone");
}

/// Where the state dict of a dictionary is: under a key that training scripts use, else under the only key whose
/// dictionary has tensors, unless the dictionary itself is one (a counter or two beside a state dict make none).
/// Nothing when it is nowhere.
std::optional<pickle::Id> nested_in(const Interpreter& interpreter,
                                    const std::vector<std::pair<pickle::Id, pickle::Id>>& items, pickle::Id id) {
  constexpr std::ptrdiff_t kBeside = 4;  // times more tensors than stand beside a state dict
  const std::ptrdiff_t own = interpreter.tensor_count(id);
  std::optional<pickle::Id> named;
  Candidates usual, others;
  for (const auto& [key, value] : items) {
    const auto* inner = interpreter.items_of(value);
    if (inner == nullptr) continue;
    const bool leads_on = std::any_of(inner->begin(), inner->end(), [&](const auto& item) {
      return is_nesting(interpreter.text(item.first)) && interpreter.has_tensors(item.second);
    });
    const std::string_view name = interpreter.text(key);
    const bool full = leads_on || interpreter.has_tensors(value);
    // The last of equal keys counts, as in Python.
    if (is_nesting(name)) {
      named = value;
      if (full) usual.insert_or_assign(name, value);
    } else if (full && (own == 0 || interpreter.tensor_count(value) > kBeside * own)) {
      others.insert_or_assign(name, value);
    }
  }
  if (!usual.empty()) return only_one(usual);
  if (own == 0 && others.empty()) return named;
  return only_one(others);
}

/// Walks from the pickled value to the state dict, noting the names that are passed by.
pickle::Id descend(const pickle::Tree& tree, const Interpreter& interpreter, PickledStateDict& found) {
  pickle::Id id = tree.root;
  for (int level = 0; level < kMaxNesting; ++level) {
    const auto* items = interpreter.items_of(id);
    if (items == nullptr) no_state_dict(interpreter, id);
    const std::optional<pickle::Id> nested = nested_in(interpreter, *items, id);
    if (!nested) return id;
    for (const auto& [key, value] : *items) {
      if (value != *nested) leave_out(found, interpreter.text(key));
    }
    id = *nested;
  }
  corrupt_pth("nests its state dict too deeply");
}

}  // namespace

PickledStateDict find_state_dict(const pickle::Tree& tree) {
  const Interpreter interpreter(tree);
  PickledStateDict found;
  const pickle::Id id = descend(tree, interpreter, found);
  for (const auto& [key, value] : *interpreter.items_of(id)) {
    const std::string_view name = interpreter.text(key);
    if (name.size() > kMaxNameBytes) corrupt_pth("has a name of more than 1024 bytes");
    auto tensor = name.empty() ? std::nullopt : interpreter.tensor(value, name);
    if (tensor) {
      found.tensors.insert_or_assign(std::string(name), std::move(*tensor));
    } else {
      leave_out(found, name);
    }
    if (found.tensors.size() > kMaxTensors) corrupt_pth("has more than 65536 tensors");
  }
  if (!found.tensors.empty()) return found;
  for (const auto& [key, value] : *interpreter.items_of(id)) {
    if (is_nesting(interpreter.text(key))) no_state_dict(interpreter, value);
  }
  no_state_dict(interpreter, id);
}

std::map<std::string_view, PickledStorage> find_storages(const pickle::Tree& tree) {
  const Interpreter interpreter(tree);
  std::map<std::string_view, PickledStorage> storages;
  for (pickle::Id id = 0; id < tree.values.size(); ++id) {
    const auto* fields = interpreter.persistent(id);
    const auto storage = fields == nullptr ? std::nullopt : interpreter.storage_of(*fields);
    if (!storage) continue;
    const auto [position, added] = storages.insert(*storage);
    const PickledStorage& known = position->second;
    if (!added && (known.dtype != storage->second.dtype || known.size != storage->second.size)) {
      corrupt_pth("describes one storage in two ways");
    }
  }
  return storages;
}

}  // namespace automed
