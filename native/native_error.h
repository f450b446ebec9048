// Failures that are thrown inside the C++, and become typed errors at its border with JavaScript.
#pragma once

#include <stdexcept>
#include <string>

namespace aviary {

/// A failure of the machine: what failed, on which object, and errno where there is one.
class NativeError : public std::runtime_error {
 public:
  NativeError(std::string code, const std::string& message, int errorNumber = 0);
  const std::string& code() const { return code_; }
  int errorNumber() const { return errorNumber_; }

 private:
  std::string code_;
  int errorNumber_;
};

}  // namespace aviary
