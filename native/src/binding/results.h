#pragma once

#include <napi.h>

#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

namespace automed::binding {

inline Napi::Value to_value(Napi::Env env, bool value) {
  return Napi::Boolean::New(env, value);
}
inline Napi::Value to_value(Napi::Env env, const std::string& value) {
  return Napi::String::New(env, value);
}
template <typename T>
requires std::is_arithmetic_v<T> Napi::Value to_value(Napi::Env env, T value) {
  return Napi::Number::New(env, static_cast<double>(value));
}
/// Null where there is nothing.
template <typename T>
Napi::Value to_value(Napi::Env env, const std::optional<T>& value) {
  return value ? to_value(env, *value) : env.Null();
}
template <typename T>
Napi::Value to_value(Napi::Env env, const std::vector<T>& values) {
  auto array = Napi::Array::New(env, values.size());
  for (std::uint32_t i = 0; i < values.size(); ++i) array.Set(i, to_value(env, values[i]));
  return array;
}

/// One row of a result struct's table: a property of the JavaScript object, and what makes it.
template <typename Struct>
struct Property {
  const char* name;
  std::function<Napi::Value(Napi::Env, const Struct&)> make;
};

template <typename Struct>
using PropertyTable = std::vector<Property<Struct>>;

/// The value of a member, found along pointers to members from the struct inwards.
template <typename... Path>
auto member(Path... path) {
  return [=](Napi::Env env, const auto& result) { return to_value(env, (result.*....*path)); };
}

template <typename Struct>
Napi::Object to_object(Napi::Env env, const Struct& result, const PropertyTable<Struct>& table) {
  auto object = Napi::Object::New(env);
  for (const auto& [name, make] : table) object.Set(name, make(env, result));
  return object;
}

}  // namespace automed::binding
