// The border between C++ exceptions and JavaScript's.
#pragma once

#include <napi.h>

#include "../native_error.h"
#include "options.h"

namespace aviary {

inline void throwTyped(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  error.ThrowAsJavaScriptException();
}

/// What `work` returns; what it throws becomes a JavaScript exception.
template <typename Work>
Napi::Value guarded(Napi::Env env, Work work) {
  try {
    return work();
  } catch (const NativeError& error) {
    throwTyped(env, error.code(), error.what());
  } catch (const PendingException&) {
  } catch (const std::exception& error) {
    throwTyped(env, "ERR_MEMORY", error.what());
  }
  return env.Undefined();
}

}  // namespace aviary
