#include "options.h"

#include "../native_error.h"

namespace aviary {

namespace {

bool isCount(const Napi::Value& value) {
  if (!value.IsNumber()) return false;
  const double number = value.As<Napi::Number>().DoubleValue();
  return number >= 0 && number <= UINT32_MAX && number == static_cast<double>(static_cast<uint32_t>(number));
}

}  // namespace

OptionReader::OptionReader(Napi::Value value, std::string path) : path_(std::move(path)) {
  if (!value.IsObject()) throw NativeError("ERR_OPTIONS", path_ + " must be an object");
  object_ = value.As<Napi::Object>();
}

Napi::Value OptionReader::get(const char* name) const {
  const Napi::Value value = object_.Get(name);
  if (object_.Env().IsExceptionPending()) throw PendingException{};
  return value;
}

void OptionReader::refuse(const char* name, const char* what) const {
  throw NativeError("ERR_OPTIONS", path_ + "." + name + " must be " + what);
}

bool OptionReader::has(const char* name) const { return !get(name).IsUndefined(); }

OptionReader OptionReader::object(const char* name) const { return {get(name), path_ + "." + name}; }

std::string OptionReader::text(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsString()) refuse(name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

uint32_t OptionReader::number(const char* name) const {
  const Napi::Value value = get(name);
  if (!isCount(value)) refuse(name, "a whole number from 0 to 4294967295");
  return value.As<Napi::Number>().Uint32Value();
}

uint32_t OptionReader::number(const char* name, uint32_t otherwise) const {
  return has(name) ? number(name) : otherwise;
}

bool OptionReader::flag(const char* name, bool otherwise) const {
  const Napi::Value value = get(name);
  if (value.IsUndefined()) return otherwise;
  if (!value.IsBoolean()) refuse(name, "true or false");
  return value.As<Napi::Boolean>().Value();
}

std::vector<uint32_t> OptionReader::numbers(const char* name) const {
  const Napi::Value value = get(name);
  if (!value.IsArray()) refuse(name, "an array of whole numbers");
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i < array.Length() && i <= 1024; i++) {
    const Napi::Value each = array.Get(i);
    if (object_.Env().IsExceptionPending()) throw PendingException{};
    if (!isCount(each)) refuse(name, "an array of whole numbers from 0 to 4294967295");
    numbers.push_back(each.As<Napi::Number>().Uint32Value());
  }
  return numbers;
}

}  // namespace aviary
