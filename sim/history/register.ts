/**
 * The sequential model of one register: read, write, compare-and-set.
 *
 * Contract. A value is a number, or null for "nothing there". A compare-and-set says whether it was applied; a
 * refused one has seen some value other than the expected one.
 */
import { refused, type Key, type Outcome, type SequentialModel, type Shape } from './model.js'

export type RegisterValue = number | null

export type RegisterInput =
  | { readonly kind: 'read' }
  | { readonly kind: 'write'; readonly value: RegisterValue }
  | { readonly kind: 'compareAndSet'; readonly expected: RegisterValue; readonly value: RegisterValue }

/** Of a read the value, of a write 'ok', of a compare-and-set whether it was applied. */
export type RegisterOutput = RegisterValue | 'ok' | boolean

export type RegisterModel = SequentialModel<RegisterValue, RegisterInput, RegisterOutput>

export function register(initial: RegisterValue = 0): RegisterModel {
  return { name: 'register', initial, step, key, describe, shape }
}

function step(
  state: RegisterValue,
  input: RegisterInput,
  output: RegisterOutput | undefined,
): Outcome<RegisterValue> {
  switch (input.kind) {
    case 'read':
      return output === undefined || output === state ? state : refused
    case 'write':
      return output === undefined || output === 'ok' ? input.value : refused
    case 'compareAndSet': {
      const applied = state === input.expected
      if (output !== undefined && output !== applied) return refused
      return applied ? input.value : state
    }
  }
}

function key(state: RegisterValue): Key {
  return state ?? 'nothing'
}

function describe(input: RegisterInput, output: RegisterOutput | undefined): string {
  const result = output === undefined ? '?' : output === null ? 'nothing' : String(output)
  switch (input.kind) {
    case 'read':
      return `read() -> ${result}`
    case 'write':
      return `write(${key(input.value)}) -> ${result}`
    case 'compareAndSet':
      return `compareAndSet(${key(input.expected)}, ${key(input.value)}) -> ${result}`
  }
}

function shape(input: RegisterInput, output: RegisterOutput | undefined): Shape | undefined {
  switch (input.kind) {
    case 'read':
      if (output === undefined) return { kind: 'observes' }
      return output === null || typeof output === 'number'
        ? { kind: 'observes', from: key(output) }
        : undefined
    case 'write':
      return output === undefined || output === 'ok' ? { kind: 'sets', to: key(input.value) } : undefined
    case 'compareAndSet':
      if (output === false) return { kind: 'observes' }
      if (output !== undefined && output !== true) return undefined
      return { kind: 'sets', from: key(input.expected), to: key(input.value) }
  }
}
