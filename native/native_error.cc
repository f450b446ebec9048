#include "native_error.h"

#include <cstring>

namespace aviary {

NativeError::NativeError(std::string code, const std::string& message, int errorNumber)
    : std::runtime_error(errorNumber == 0 ? message : message + ": " + std::strerror(errorNumber)),
      code_(std::move(code)),
      errorNumber_(errorNumber) {}

}  // namespace aviary
