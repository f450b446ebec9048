/** Checks of untrusted JSON, field by field, with the field's path in every complaint. */
import { TraceError } from './errors.js'

/** A value of unknown shape and the path to it. */
export class Unknown {
  constructor(
    readonly value: unknown,
    readonly path: string,
  ) {}

  fail(what: string): TraceError {
    return new TraceError(
      'invalid',
      this.path,
      `${what}, not ${shown(this.value)}`,
      'Mend that field, or record the trace again.',
    )
  }
  string(): string {
    if (typeof this.value !== 'string') throw this.fail('must be text')
    return this.value
  }
  integer(minimum: number, maximum: number): number {
    const { value } = this
    if (
      typeof value !== 'number' ||
      !Number.isInteger(value) ||
      value < minimum ||
      value > maximum ||
      Object.is(value, -0)
    )
      throw this.fail(`must be a whole number from ${String(minimum)} to ${String(maximum)}`)
    return value
  }
  oneOf<T extends string>(names: readonly T[]): T {
    const found = names.find((name) => name === this.value)
    if (found === undefined) throw this.fail(`must be one of ${names.join(', ')}`)
    return found
  }
  array(most: number): readonly Unknown[] {
    if (!Array.isArray(this.value)) throw this.fail('must be a list')
    if (this.value.length > most)
      throw new TraceError(
        'absurd',
        this.path,
        `a list of ${String(this.value.length)} where ${String(most)} is the most`,
        'Mend that field, or record the trace again.',
      )
    return this.value.map((item: unknown, i) => new Unknown(item, `${this.path}[${String(i)}]`))
  }
  /** An object with nothing but the fields named. */
  fields(names: readonly string[]): (name: string) => Unknown {
    const entries = new Map(this.entries().map(([name, value]) => [name, value]))
    for (const name of entries.keys())
      if (!names.includes(name)) throw new Unknown(undefined, `${this.path}.${name}`).unexpected()
    return (name) => entries.get(name) ?? new Unknown(undefined, `${this.path}.${name}`)
  }
  unexpected(): TraceError {
    return new TraceError(
      'invalid',
      this.path,
      'a field that a trace does not have',
      'Remove it, or use the Aviary that wrote it.',
    )
  }
  entries(): readonly (readonly [string, Unknown])[] {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      throw this.fail('must be an object')
    return Object.entries(this.value).map(
      ([name, value]) => [name, new Unknown(value, `${this.path}.${name}`)] as const,
    )
  }
  /** An object of any fields. */
  record<T>(read: (value: Unknown) => T): Readonly<Record<string, T>> {
    return Object.fromEntries(this.entries().map(([name, value]) => [name, read(value)]))
  }
  optional<T>(read: (value: Unknown) => T): T | undefined {
    return this.value === undefined ? undefined : read(this)
  }
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

export function parseJson(text: string, path: string): Unknown {
  try {
    return new Unknown(JSON.parse(text) as unknown, path)
  } catch {
    throw new TraceError('invalid', path, 'must be JSON', 'Mend that text, or record the trace again.')
  }
}
