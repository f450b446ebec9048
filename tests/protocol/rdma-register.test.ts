import { describe, expect, test } from 'vitest'
import {
  checksumOf,
  rdmaRegister,
  registerLayouts,
  TORN,
  valueIn,
  wordOf,
} from '../../protocol/rdma-register/index.js'

const shape = { nodes: 3, words: 4, slots: 2, clients: 1, integrity: 0 }
const layouts = registerLayouts(shape)
const draw = { between: (minimum: number) => minimum }

function slotOf(sequence: number, value: number) {
  const slot = layouts.slot.view(new DataView(new ArrayBuffer(layouts.slot.sizeBytes)))
  for (let k = 0; k < shape.words; k++) slot.words.set(k, wordOf(value, k))
  slot.sequence = sequence
  slot.trailer = checksumOf(sequence, slot.words)
  return slot
}

/** Every mixture of the words of two slots, as torn WRITEs leave them. */
function* mixtures(older: ReturnType<typeof slotOf>, newer: ReturnType<typeof slotOf>) {
  const count = layouts.slot.sizeBytes / 8
  for (let mask = 0; mask < 1 << count; mask++) {
    const mixed = layouts.slot.view(new DataView(new ArrayBuffer(layouts.slot.sizeBytes)))
    for (let word = 0; word < count; word++) {
      const { memory } = (mask >> word) & 1 ? newer : older
      mixed.memory.setFloat64(8 * word, memory.getFloat64(8 * word))
    }
    yield { mixed, whole: mask === 0 || mask === (1 << count) - 1 }
  }
}

describe('the payload of the register', () => {
  test('a whole payload decodes to its value and every mixture of two does not', () => {
    for (const { mixed } of mixtures(slotOf(1, 1010), slotOf(2, 2020))) {
      let first = 0
      for (let k = 0; k < shape.words; k++) if (mixed.words.get(k) === wordOf(1010, k)) first++
      const expected = first === shape.words ? 1010 : first === 0 ? 2020 : TORN
      expect(valueIn(mixed.words.memory, mixed.words.base, shape.words)).toBe(expected)
    }
  })

  test('blank memory is no payload, not even of the initial value', () => {
    expect(valueIn(new DataView(new ArrayBuffer(32)), 0, shape.words)).toBe(TORN)
  })

  test('the checksum turns down every torn slot, over older values and over blank memory', () => {
    const blank = layouts.slot.view(new DataView(new ArrayBuffer(layouts.slot.sizeBytes)))
    for (const older of [slotOf(1, 1010), slotOf(3, 1011), blank]) {
      for (const { mixed, whole } of mixtures(older, slotOf(5, 1020))) {
        if (whole || mixed.sequence === 0) continue
        expect(mixed.trailer).not.toBe(checksumOf(mixed.sequence, mixed.words))
      }
    }
  })
})

describe('the system rdma-register', () => {
  const everyBug = [undefined, ...Object.keys(rdmaRegister.bugs)]

  test.each(everyBug)('builds at every corner of its parameters: %s', (bug) => {
    for (const corner of ['minimum', 'default', 'maximum'] as const) {
      const parameters = Object.fromEntries(
        Object.entries(rdmaRegister.parameters).map(([name, parameter]) => [name, parameter[corner]]),
      )
      const nodes = rdmaRegister.nodes[corner]
      const model = rdmaRegister.build({ nodes, parameters, bug, draw })
      expect(model.cores).toHaveLength(nodes)
      for (const core of model.cores) {
        for (const region of core.regions) expect(region.layout.sizeBytes % 8).toBe(0)
        for (const window of core.windows) expect(window.layout.sizeBytes % 8).toBe(0)
      }
    }
  })

  test('every bug names properties that the spec has, and so does every setting beyond the promise', () => {
    const { spec, atlas } = rdmaRegister.build({ nodes: 3, parameters: {}, bug: undefined, draw })
    const properties = [...spec.invariants, ...spec.stepInvariants, spec.history!]
    const names = [...properties.map((property) => property.name), 'assertion']
    for (const { caughtBy } of [...Object.values(rdmaRegister.bugs), ...atlas.beyond]) {
      expect(names).toEqual(expect.arrayContaining([...caughtBy]))
    }
  })

  test('puts carry distinct values above 0, and a longer script begins with the shorter one', () => {
    const scriptsOf = (operations: number) => {
      let next = 0
      const counted = {
        between: (minimum: number, maximum: number) => minimum + (next++ % (maximum - minimum + 1)),
      }
      const parameters = { operations, clients: 2 }
      const { workload } = rdmaRegister.build({ nodes: 3, parameters, bug: undefined, draw: counted })
      return workload!.clients.map((client) => client.script.map((put) => workload!.describeRequest(put)))
    }
    const short = scriptsOf(3)
    const long = scriptsOf(20)
    expect(long.map((script) => script.slice(0, 3))).toEqual(short)
    const puts = [...long[0]!, ...long[1]!]
    expect(new Set(puts).size).toBe(40)
    expect(long[2]).toEqual(Array(20).fill('get'))
  })

  test('in-order placement is required where a canary is trusted, and only there', () => {
    const requires = (integrity: number) =>
      rdmaRegister.build({ nodes: 3, parameters: { integrity }, bug: undefined, draw }).requires
    expect(requires(0)).toEqual({ psn: 'derived' })
    expect(requires(1)).toEqual({ psn: 'derived', placement: 'in-order' })
  })

  test('the canary is read before the payload, unless that is the bug', () => {
    const windows = (bug: string | undefined) =>
      rdmaRegister
        .build({ nodes: 2, parameters: { integrity: 1, slots: 1 }, bug, draw })
        .cores[1]!.windows.map((window) => window.name)
    expect(windows(undefined)).toEqual(['trailer 0', 'body 0'])
    expect(windows('payload-before-header')).toEqual(['body 0', 'trailer 0'])
  })
})
