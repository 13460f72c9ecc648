#pragma once

#include <napi.h>

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/convert.h"

namespace automed::binding {

/// One row of an option struct's table: a property of the JavaScript object, and what reads it into the struct.
template <typename Struct>
struct Option {
  std::string name;
  std::function<void(Struct&, const Napi::Value&, const std::string& field)> read;
  std::string field = {};  ///< how errors name it; empty: as `name`
};

template <typename Struct>
using OptionTable = std::vector<Option<Struct>>;

/// Throws kInvalidArgument for a property that `known` does not hold: a knob that is misspelled, or lost on its way.
void refuse_unknown(const Napi::Object& object, const std::vector<std::string>& known);

/// The struct of an object that has the properties of the table and no others. Throws kInvalidArgument with the field.
template <typename Struct>
Struct read_options(const Napi::Object& object, const OptionTable<Struct>& table) {
  std::vector<std::string> known;
  for (const auto& option : table) known.push_back(option.name);
  refuse_unknown(object, known);
  Struct options{};
  for (const auto& [name, read, field] : table) read(options, object.Get(name), field.empty() ? name : field);
  return options;
}

// Readers of rows. `path`: pointers to members, from the struct inwards.

/// Reads with `read(value, field)` and converts to the member's type.
template <typename Read, typename... Path>
auto into(Read read, Path... path) {
  return [=](auto& options, const Napi::Value& value, const std::string& field) {
    auto& member = (options.*....*path);
    member = static_cast<std::remove_reference_t<decltype(member)>>(read(value, field));
  };
}

/// An integer of [least, most], also for durations.
template <typename... Path>
auto integer(std::int64_t least, std::int64_t most, Path... path) {
  return into([=](const auto& value, const auto& field) { return read_integer(value, field, least, most); }, path...);
}

template <typename... Path>
auto number(Path... path) {
  return into(read_number, path...);
}

/// A number >= 0.
template <typename... Path>
auto at_least_zero(Path... path) {
  return into(read_at_least_zero, path...);
}

template <typename... Path>
auto boolean(Path... path) {
  return into(read_boolean, path...);
}

template <typename... Path>
auto text(Path... path) {
  return into(read_string, path...);
}

/// One of a few names.
template <typename T, typename... Path>
auto choice(Choices<T> choices, Path... path) {
  return into([=](const auto& value, const auto& field) { return read_choice(value, field, choices); }, path...);
}

/// An object with a table of its own.
template <typename Struct, typename... Path>
auto object(const OptionTable<Struct>& table, Path... path) {
  return into([=](const auto& value, const auto& field) { return read_options(read_object(value, field), table); },
              path...);
}

/// The rows of a struct inside another, for properties that lie flat in one object.
template <typename Outer, typename Inner, typename... Path>
void add_rows(OptionTable<Outer>& table, const OptionTable<Inner>& inner, Path... path) {
  for (const auto& option : inner) {
    const auto& read = option.read;
    table.push_back({option.name,
                     [read, path...](Outer& outer, const Napi::Value& value, const std::string& field) {
                       read((outer.*....*path), value, field);
                     },
                     option.field});
  }
}

/// Leaves the struct's default where the property is null.
template <typename Read>
auto or_null(Read read) {
  return [=](auto& options, const Napi::Value& value, const std::string& field) {
    if (!value.IsNull()) read(options, value, field);
  };
}

/// Leaves the struct's default where there is no such property.
template <typename Read>
auto or_missing(Read read) {
  return [=](auto& options, const Napi::Value& value, const std::string& field) {
    if (!value.IsUndefined()) read(options, value, field);
  };
}

}  // namespace automed::binding
