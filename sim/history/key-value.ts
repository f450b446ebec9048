/**
 * The sequential model of a key-value store: one independent register for each key, with nothing there at first.
 *
 * Contract. Every operation touches one key, so a history is checked key by key (locality, see model.ts). Removing a
 * key is writing null.
 */
import type { Key, SequentialModel } from './model.js'
import { register, type RegisterInput, type RegisterOutput, type RegisterValue } from './register.js'

export type KeyValueInput = RegisterInput & { readonly key: Key }

export type KeyValueModel = SequentialModel<RegisterValue, KeyValueInput, RegisterOutput>

export function keyValue(): KeyValueModel {
  const { describe, ...cell } = register(null)
  return {
    ...cell,
    name: 'key-value store',
    partition: (input) => [input.key],
    describe: (input, output) => `${input.key}.${describe(input, output)}`,
  }
}
