/**
 * The sequential model of what a load asks of one key: a string that is absent at first, and is an integer wherever it is
 * incremented.
 *
 * Contract. Histories are checked key by key. Loads write values that no other operation writes, so a value tells who
 * wrote it; shapes are given where they are exact, and left out where an operation of unknown outcome may lead anywhere.
 * A conditional write that was not applied says nothing: the key may have changed before its value was read.
 */
import { type Key, type SequentialModel, type Shape, refused } from '../../protocol/index.js'

export type KeyInput =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'set'; readonly key: string; readonly value: string }
  /** Sets what is absent; says what was there. */
  | { readonly kind: 'setAbsent'; readonly key: string; readonly value: string }
  /** Sets what is present; says what was there. */
  | { readonly kind: 'setPresent'; readonly key: string; readonly value: string }
  | { readonly kind: 'increment'; readonly key: string }
  /** WATCH, GET, MULTI, SET, EXEC. */
  | {
      readonly kind: 'exchange'
      readonly key: string
      readonly expected: string | null
      readonly value: string
    }

/** What was there (null: nothing), 'OK' of a write, the new number of an increment, whether an exchange was applied. */
export type KeyOutput = string | null | number | boolean | { readonly error: string }

type Held = string | null

const absent = 'nothing'
const keyOf = (held: Held): Key => held ?? absent
const incremented = (held: Held): string => String(Number(held ?? 0) + 1)

export const keyModel: SequentialModel<Held, KeyInput, KeyOutput> = {
  name: 'keys of the store',
  initial: null,
  partition: ({ key }) => [key],
  key: keyOf,
  step(held, input, output) {
    if (typeof output === 'object' && output !== null) return refused
    switch (input.kind) {
      case 'get':
        return output === undefined || output === held ? held : refused
      case 'set':
        return output === undefined || output === 'OK' ? input.value : refused
      case 'setAbsent':
        if (output !== undefined && output !== held) return refused
        return held ?? input.value
      case 'setPresent':
        if (output !== undefined && output !== held) return refused
        return held === null ? null : input.value
      case 'increment': {
        const next = incremented(held)
        return output === undefined || output === Number(next) ? next : refused
      }
      case 'exchange': {
        if (output === false) return held
        if (output !== undefined && output !== true) return refused
        if (held === input.expected) return input.value
        return output === undefined ? held : refused
      }
    }
  },
  shape(input, output): Shape | undefined {
    if (typeof output === 'object' && output !== null) return undefined
    switch (input.kind) {
      case 'get':
        if (output === undefined) return { kind: 'observes' }
        return isHeld(output) ? { kind: 'observes', from: keyOf(output) } : undefined
      case 'set':
        return output === undefined || output === 'OK' ? { kind: 'sets', to: input.value } : undefined
      case 'setAbsent':
        if (output === undefined || output === null) return { kind: 'sets', from: absent, to: input.value }
        return isHeld(output) ? { kind: 'observes', from: output } : undefined
      case 'setPresent':
        if (output === null) return { kind: 'observes', from: absent }
        return isHeld(output) ? { kind: 'sets', from: output, to: input.value } : undefined
      case 'increment':
        // From 1 both an absent key and "0" lead; loads never write 0.
        if (typeof output !== 'number' || output === 1) return undefined
        return { kind: 'sets', from: String(output - 1), to: String(output) }
      case 'exchange':
        if (output === false) return { kind: 'observes' }
        return { kind: 'sets', from: keyOf(input.expected), to: input.value }
    }
  },
  describe(input, output) {
    const said =
      output === undefined
        ? '?'
        : output === null
          ? 'nil'
          : typeof output === 'object'
            ? `error ${output.error}`
            : String(output)
    return `${words(input)} -> ${said}`
  },
}

const isHeld = (output: KeyOutput | undefined): output is Held =>
  output === null || typeof output === 'string'

function words(input: KeyInput): string {
  switch (input.kind) {
    case 'get':
      return 'GET'
    case 'set':
      return `SET ${input.value}`
    case 'setAbsent':
      return `SET ${input.value} NX GET`
    case 'setPresent':
      return `SET ${input.value} XX GET`
    case 'increment':
      return 'INCR'
    case 'exchange':
      return `EXEC (${input.expected ?? 'nil'} to ${input.value})`
  }
}
