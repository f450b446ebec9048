import { NativeError, loadAddon } from '../native/index.js'
import { RunError } from './errors.js'

/** Throws {@link RunError} where the native layer, on which every replica stands, is not built. */
export function demandNative(): void {
  try {
    loadAddon()
  } catch (error) {
    if (!(error instanceof NativeError)) throw error
    throw new RunError(
      'replicas cannot be run here: the native layer is not built (it is not part of the package)',
      'it needs Linux and g++ (apt-get install g++); then run `npm start` in a checkout of Aviary, and this command there.',
    )
  }
}
