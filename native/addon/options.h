// Options from JavaScript, checked: a wrong one is named, with what it must be.
#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

namespace aviary {

/// A JavaScript exception is under way already (a getter has thrown).
struct PendingException {};

class OptionReader {
 public:
  /// `path` is what messages call the object.
  OptionReader(Napi::Value value, std::string path);

  bool has(const char* name) const;
  OptionReader object(const char* name) const;
  std::string text(const char* name) const;
  uint32_t number(const char* name) const;
  uint32_t number(const char* name, uint32_t otherwise) const;
  bool flag(const char* name, bool otherwise) const;
  std::vector<uint32_t> numbers(const char* name) const;

 private:
  Napi::Value get(const char* name) const;
  [[noreturn]] void refuse(const char* name, const char* what) const;

  Napi::Object object_;
  std::string path_;
};

}  // namespace aviary
