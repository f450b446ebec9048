/**
 * Traces in the Informal Trace Format of Apalache (ADR-015, https://apalache-mc.org/docs/adr/015adr-trace.html), which
 * Quint, Apalache and the ITF trace viewer read.
 *
 * Contract. State 0 is the initial one, state i + 1 is the one after action i. Each variable is a part of the world,
 * decoded by its layout: structs are records, arrays and rings lists, sets sets, whole numbers beyond 2^53 `#bigint`.
 * The variable `action` is the name of the action that led to the state. Parts of the kinds asked for are shown; unless
 * named otherwise that is what protocols are about (memory, messages, disks, clients, links), not the insides of queue
 * pairs, copies under way and fault budgets.
 */
import { type AnyLayout, type Decoded, type SystemDefinition, decode } from '../../../protocol/index.js'
import type { Part, PartKind } from '../../world/memory.js'
import type { World } from '../../world/world.js'
import type { Trace } from '../trace.js'
import { walk } from '../walk.js'

export interface ItfOptions {
  /** Which parts become variables. */
  readonly kinds?: readonly PartKind[] | undefined
}

export type ItfValue =
  | number
  | boolean
  | string
  | readonly ItfValue[]
  | { readonly '#bigint': string }
  | { readonly '#set': readonly ItfValue[] }
  | { readonly [field: string]: ItfValue }

const usualKinds: readonly PartKind[] = ['private', 'region', 'channel', 'disk', 'client', 'links']

/** Pieces of the JSON text, to be written one after the other. */
export function* itfChunks(
  definition: SystemDefinition,
  trace: Trace,
  options: ItfOptions = {},
): Generator<string, void> {
  const kinds = options.kinds ?? usualKinds
  let shown: readonly Shown[] = []
  let first = ''
  const steps = walk(definition, trace, {
    begin: ({ world }) => {
      shown = world.memory.parts
        .filter(({ kind }) => kinds.includes(kind))
        .map((part) => new Shown(world, part))
      first = state(shown, 0, 'init', '')
    },
  })
  let step = steps.next()
  const { header, violation } = trace
  const meta = {
    format: 'ITF',
    'format-description': 'https://apalache-mc.org/docs/adr/015adr-trace.html',
    source: header.modulePath ?? header.system,
    status: violation === undefined ? 'ok' : 'violation',
    description:
      violation === undefined ? `written by ${header.createdBy}` : `${violation.name}: ${violation.reason}`,
  }
  const vars = ['action', ...shown.map(({ name }) => name)]
  yield `{"#meta":${JSON.stringify(meta)},"vars":${JSON.stringify(vars)},"states":[\n${first}`
  for (; step.done !== true; step = steps.next()) {
    const { index, site, subject, words, run } = step.value
    for (let i = 0; i < run.world.touchedCount; i++) {
      const touched = run.world.touchedPart(i)
      for (const each of shown) if (each.part.index === touched) each.stale = true
    }
    yield `,\n${state(shown, index + 1, `${site.name} ${String(subject)}`, words)}`
  }
  yield '\n]}\n'
}

/** A part as a variable; its text is made anew only when the part was touched. */
class Shown {
  readonly name: string
  stale = true
  #text = ''
  readonly #world: World
  readonly part: Part

  constructor(world: World, part: Part) {
    this.#world = world
    this.part = part
    this.name = part.name.replaceAll('→', '_to_').replace(/[^A-Za-z0-9]+/g, '_')
  }
  text(): string {
    if (this.stale)
      this.#text = JSON.stringify(itfValue(this.part.layout, this.#world.memory.view, this.part.offset))
    this.stale = false
    return this.#text
  }
}

function state(shown: readonly Shown[], index: number, action: string, words: string): string {
  const meta = JSON.stringify({ index, ...(words === '' ? {} : { words }) })
  let text = `{"#meta":${meta},"action":${JSON.stringify(action)}`
  for (const each of shown) text += `,${JSON.stringify(each.name)}:${each.text()}`
  return `${text}}`
}

/** Bytes as a value of the Informal Trace Format. */
export function itfValue(layout: AnyLayout, memory: DataView, at: number): ItfValue {
  switch (layout.kind) {
    case 'struct':
      return Object.fromEntries(
        layout.fields.map((field) => [field.name, itfValue(field.layout, memory, at + field.offset)]),
      )
    case 'array':
    case 'perNode':
      return items(layout.item, layout.length, layout.strideBytes, memory, at)
    case 'ring': {
      const length = Math.min(memory.getUint32(at, true), layout.capacity)
      return items(layout.item, length, layout.strideBytes, memory, at + layout.itemsOffset)
    }
    case 'u64': {
      const value = memory.getBigUint64(at, true)
      return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : { '#bigint': value.toString() }
    }
    case 'nodeSet':
    case 'bitset':
      return { '#set': plain(decode(layout, memory, at)) as readonly ItfValue[] }
    case 'u8':
    case 'u16':
    case 'u32':
    case 'boolean':
    case 'enumeration':
    case 'nodeId':
    case 'remoteAddress':
    case 'bytes':
      return plain(decode(layout, memory, at))
  }
}

const plain = (decoded: Decoded): ItfValue => decoded

function items(item: AnyLayout, length: number, strideBytes: number, memory: DataView, at: number): ItfValue {
  return Array.from({ length }, (_, i) => itfValue(item, memory, at + i * strideBytes))
}
