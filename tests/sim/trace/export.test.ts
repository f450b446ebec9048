import { describe, expect, it } from 'vitest'
import { struct, u64, nodeSet } from '../../../protocol/index.js'
import { Run } from '../../../sim/run/run.js'
import { TraceError } from '../../../sim/trace/errors.js'
import { itfChunks, itfValue } from '../../../sim/trace/export/itf.js'
import { jsonLines } from '../../../sim/trace/export/jsonl.js'
import { perfettoChunks } from '../../../sim/trace/export/perfetto.js'
import { recordTrace } from '../../../sim/trace/trace.js'
import { drive, ping, pingSetup, record } from './support.js'

// ---- an independent reader of protocol buffers

type Fields = Map<number, (bigint | Uint8Array)[]>

function readMessage(bytes: Uint8Array): Fields {
  const fields: Fields = new Map()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const values = fields.get(tag >>> 3) ?? []
    fields.set(tag >>> 3, values)
    if ((tag & 7) === 0) values.push(varint())
    else if ((tag & 7) === 1) {
      values.push(view.getBigUint64(at, true))
      at += 8
    } else if ((tag & 7) === 2) {
      const length = Number(varint())
      expect(at + length).toBeLessThanOrEqual(bytes.length)
      values.push(bytes.subarray(at, at + length))
      at += length
    } else throw new Error(`wire type ${String(tag & 7)}`)
  }
  return fields
}
const number = (fields: Fields, field: number): number => Number(fields.get(field)?.[0] ?? -1)
const text = (fields: Fields, field: number): string =>
  new TextDecoder().decode(fields.get(field)?.[0] as Uint8Array | undefined)
const inner = (fields: Fields, field: number): Fields | undefined => {
  const bytes = fields.get(field)?.[0]
  return bytes instanceof Uint8Array ? readMessage(bytes) : undefined
}

/** Bytes that begin in one chunk end in it: each chunk is a message of its own. */
function packetsOf(chunks: Iterable<Uint8Array>): Fields[] {
  return [...chunks].flatMap((chunk) =>
    readMessage(chunk)
      .get(1)!
      .map((bytes) => readMessage(bytes as Uint8Array)),
  )
}

describe('a Perfetto export', () => {
  const setup = pingSetup({ budget: { pause: 3, resume: 3, drop: 3, duplicate: 5 } })
  const trace = record(600, { setup, seed: 2 })
  const packets = packetsOf(perfettoChunks(ping, trace))
  const events = packets.flatMap((packet) => {
    const event = inner(packet, 11)
    return event === undefined ? [] : [{ nanos: number(packet, 8), event }]
  })
  const tracks = new Map(
    packets.flatMap((packet) => {
      const descriptor = inner(packet, 60)
      if (descriptor === undefined) return []
      const process = inner(descriptor, 3)
      const thread = inner(descriptor, 4)
      return [[number(descriptor, 1), process ? text(process, 6) : text(thread!, 5)] as const]
    }),
  )

  it('describes a lane for the CPU and the NIC of each node, for clients and for faults', () => {
    expect([...tracks.values()]).toEqual([
      'faults',
      'links',
      'clients',
      'c0',
      'n0',
      'CPU',
      'NIC',
      'n1',
      'CPU',
      'NIC',
    ])
    expect(number(packets[0]!, 13)).toBe(1)
    expect(packets.every((packet) => number(packet, 10) === 1)).toBe(true)
  })

  it('has a slice or an instant for each action, in a lane that exists, in the order of time', () => {
    const begins = events.filter(({ event }) => number(event, 9) !== 2)
    expect(begins).toHaveLength(600)
    let last = -1
    const open = new Map<number, number>()
    for (const { nanos, event } of events) {
      expect(nanos).toBeGreaterThanOrEqual(last)
      last = nanos
      const track = number(event, 11)
      expect(tracks.has(track)).toBe(true)
      if (number(event, 9) === 1) open.set(track, (open.get(track) ?? 0) + 1)
      if (number(event, 9) === 2) open.set(track, open.get(track)! - 1)
      expect(open.get(track) ?? 0).toBeLessThanOrEqual(1)
    }
    expect([...open.values()].every((depth) => depth === 0)).toBe(true)
    const annotations = begins[5]!.event.get(4)!.map((bytes) => readMessage(bytes as Uint8Array))
    expect(annotations.map((note) => [text(note, 10), number(note, 3)])).toEqual([
      ['index', 5],
      ['subject', trace.actions.subject(5)],
    ])
  })

  it('joins sending with delivery, post with placement and completion, request with reply', () => {
    const flows = new Map<bigint, { name: string; ends: boolean }[]>()
    for (const { event } of events)
      for (const [field, ends] of [
        [47, false],
        [48, true],
      ] as const)
        for (const id of event.get(field) ?? []) {
          const touched = flows.get(id as bigint) ?? []
          flows.set(id as bigint, touched)
          touched.push({ name: text(event, 23).replace(/:.*/, ''), ends })
        }
    const stories = [...flows.values()].map((touched) => touched.map(({ name }) => name).join(' | '))
    expect(stories).toContain('timer n0 tick | deliver n0→n1')
    expect(stories).toContain('deliver n0→n1 | deliver n1→n0')
    expect(stories).toContain('timer n0 tick | arrive n0→n1 | place n0→n1 | place n0→n1 | complete n0→n1')
    expect(stories).toContain('invoke c0 | request c0→n0')
    expect(stories).toContain('request c0→n0 | reply c0')
    // Every action that takes something off a wire belongs to an arrow, and an arrow ends at most once, at its last action.
    for (const touched of flows.values())
      touched.forEach(({ ends }, i) => expect(ends && i < touched.length - 1).toBe(false))
    for (const { event } of events)
      if (/^(deliver|place|complete|request|reply) /.test(text(event, 23)))
        expect((event.get(47)?.length ?? 0) + (event.get(48)?.length ?? 0)).toBeGreaterThan(0)
  })

  it('uses the times of the caller', () => {
    const timed = packetsOf(perfettoChunks(ping, trace, { nanosOf: (index) => 5000 + index * 10 }))
    const begins = timed.filter((packet) => number(inner(packet, 11) ?? (new Map() as Fields), 9) === 1)
    expect(number(begins[0]!, 8)).toBe(5000)
  })
})

interface ItfState {
  readonly '#meta': { readonly index: number; readonly words?: string }
  readonly action: string
  readonly n0_private: { readonly count: number }
  readonly [name: string]: unknown
}

describe('an ITF export', () => {
  it('is JSON with every variable in every state, equal to what the run showed', () => {
    const trace = record(150)
    const itf = JSON.parse([...itfChunks(ping, trace)].join('')) as {
      '#meta': { status: string }
      vars: string[]
      states: ItfState[]
    }
    expect(itf['#meta'].status).toBe('ok')
    expect(itf.states).toHaveLength(151)
    expect(itf.vars).toContain('n1_board')
    expect(itf.vars).toContain('messages_n0_to_n1')
    for (const state of itf.states) for (const name of itf.vars) expect(state[name]).toBeDefined()
    expect(itf.states[0]).toMatchObject({ '#meta': { index: 0 }, action: 'init', n0_private: { count: 0 } })
    const run = new Run(ping, trace.header.setup)
    const part = run.world.memory.parts.find(({ name }) => name === 'n0 private')!
    const again: unknown[] = []
    const look = (): void => void again.push(itfValue(part.layout, run.world.memory.view, part.offset))
    look()
    run.onAction = look
    drive(run, 1, 150)
    expect(itf.states.map((state) => state.n0_private)).toEqual(again)
  })

  it('writes whole numbers beyond 2^53 and sets in their own forms', () => {
    const layout = struct({ big: u64, small: u64, nodes: nodeSet })
    const memory = new DataView(new ArrayBuffer(24))
    memory.setBigUint64(0, 2n ** 64n - 1n, true)
    memory.setBigUint64(8, 7n, true)
    memory.setUint32(16, 0b101, true)
    expect(itfValue(layout, memory, 0)).toEqual({
      big: { '#bigint': '18446744073709551615' },
      small: 7,
      nodes: { '#set': ['n0', 'n2'] },
    })
  })
})

describe('JSON lines', () => {
  it('have one object an action, with what it changed field by field', () => {
    const trace = record(200)
    const lines = [...jsonLines(ping, trace, { changes: 'fields', nanosOf: (index) => index * 7 })]
    expect(lines).toHaveLength(200)
    expect(lines.every((line) => line.endsWith('}\n'))).toBe(true)
    const objects = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const tick = objects.find(({ site }) => site === 'timer n0 tick')!
    expect(tick).toMatchObject({ kind: 'timer', node: 0, subject: 0 })
    expect(tick['nanos']).toBe(Number(tick['index']) * 7)
    expect(tick['changed']).toContainEqual({
      part: 'n0 private',
      fields: expect.arrayContaining([{ path: 'count', before: 0, after: 1 }]) as unknown,
    })
    const deliver = objects.find(({ site }) => site === 'deliver n0→n1')!
    expect(deliver).toMatchObject({ node: 1, from: 0, words: expect.stringMatching(/^ping \d+$/) as unknown })
    const names = JSON.parse([...jsonLines(ping, trace, { changes: 'parts' })][Number(tick['index'])]!) as {
      changed: string[]
    }
    expect(names.changed).toContain('n0 private')
    expect([...jsonLines(ping, trace)][0]).not.toContain('changed')
  })

  it('say where a violation was first seen', () => {
    const trace = record(300, { setup: pingSetup({ bug: 'forgets' }) })
    const marked = [...jsonLines(ping, trace)].map(
      (line) => JSON.parse(line) as { index: number; violation?: object },
    )
    const first = marked.filter(({ violation }) => violation !== undefined)
    expect(first.map(({ index }) => index + 1)).toEqual([trace.violation!.at])
  })

  it('refuse a trace that cannot be followed, with the step', () => {
    const run = new Run(ping, pingSetup())
    drive(run, 1, 20)
    const trace = recordTrace(run, { provenance: {} })
    trace.actions.add(trace.header.sites.indexOf('timer n0 tick'), 77)
    expect(() => [...jsonLines(ping, trace)]).toThrow(TraceError)
    expect(() => [...jsonLines(ping, trace)]).toThrow(/^action 20: timer n0 tick 77 is not possible/)
  })
})
