// The store against its sequential model, which is a map: random operations, with time, small and full stores.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refused } from '../../../protocol/index.js'
import type { StoreCapacity } from '../../../protocol/store/index.js'
import { asked } from './arbitraries.js'
import { encode, openStore } from './support.js'

const capacities: Readonly<Record<string, StoreCapacity>> = {
  tiny: { slots: 3, arenaBytes: 128, operationBytes: 512, replyBytes: 64, blockBytes: 16 },
  'small, of large blocks': { slots: 4, arenaBytes: 640, operationBytes: 512, replyBytes: 128 },
  roomy: { slots: 32, arenaBytes: 8208, operationBytes: 512, replyBytes: 512, blockBytes: 24 },
}

it('draws operations for clients of the simulator that it takes, and that its model explains', () => {
  const seen = new Set<string>()
  const drawing = fc.array(fc.nat(1_000), { minLength: 8, maxLength: 200 })
  fc.assert(
    fc.property(drawing, fc.constantFrom(64, 128), (numbers, operationBytes) => {
      const opened = openStore({ slots: 2, arenaBytes: 64, blockBytes: 16, operationBytes, replyBytes: 64 })
      const { application } = opened
      let turn = 0
      const draw = {
        between: (least: number, most: number): number =>
          least + (numbers[turn++ % numbers.length]! % (most - least + 1)),
      }
      let model: unknown = application.model.initial
      for (let position = 0; position < 20; position++) {
        const operation = application.drawOperation(draw, position % 3, position % 8)
        expect(operation.byteLength).toBeLessThanOrEqual(operationBytes)
        expect(operation.byteLength % 8).toBe(0)
        const input = application.decodeRequest(operation)
        const output = opened.apply(operation)
        expect(output.kind).not.toBe('malformed')
        for (const value of output.values) seen.add(value.kind)
        model = application.model.step(model, input, output)
        expect(model, application.model.describe(input, output)).not.toBe(refused)
        expect(application.check(opened.state)).toBeUndefined()
        // Any other answer is refused.
        const other = { kind: 'malformed', values: [] } as const
        expect(application.model.step(application.model.initial, input, other)).toBe(refused)
      }
    }),
  )
  expect([...seen].sort()).toEqual(['array', 'bulk', 'error', 'integer', 'nil', 'ok'])
})

describe.each(Object.entries(capacities))('a %s store', (_name, capacity) => {
  it('answers as the map, stays whole, and reads change nothing', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 40 }), fc.constantFrom(0, 8, 24), (operations, skew) => {
        const opened = openStore(capacity, skew)
        const { application } = opened
        let model: unknown = application.model.initial
        for (const each of operations) {
          const operation = encode(each)
          if (operation.byteLength > application.operationBytes) continue
          const input = application.decodeRequest(operation)
          const before = opened.bytes()
          const output = opened.apply(operation)
          const next = application.model.step(model, input, output)
          expect(next, application.model.describe(input, output)).not.toBe(refused)
          model = next
          expect(application.check(opened.state)).toBeUndefined()
          if (application.isRead(new DataView(operation.buffer), 0))
            expect(opened.bytes().equals(before)).toBe(true)
          seen.add(output.kind)
          for (const each of output.values)
            seen.add(each.kind === 'error' ? `fault ${String(each.fault)}` : each.kind)
        }
      }),
      { numRuns: 400 },
    )
    // Else the property looks at less than it says.
    const faults = ['fault 0', 'fault 1', 'fault 2', 'fault 4']
    const wanted = ['done', 'conflict', 'nil', 'ok', 'integer', 'bulk', 'array', 'type', ...faults]
    const missing = wanted.filter((kind) => !seen.has(kind))
    expect(
      missing.filter((kind) => capacity.replyBytes < 512 || !['fault 0', 'fault 4'].includes(kind)),
    ).toEqual([])
  })

  it('gives the same bytes for the same operations, and for any bytes an answer and no harm', () => {
    const [one, other] = [openStore(capacity), openStore(capacity)]
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 8 }), fc.infiniteStream(fc.nat(255)), (operations, noise) => {
        const byte = (): number => Number(noise.next().value)
        for (const each of operations) {
          const operation = encode(each)
          for (let left = 1 + (byte() % 3); left > 0; left--) operation[byte() % operation.length] = byte()
          expect(one.apply(operation)).toEqual(other.apply(operation))
          one.application.isRead(new DataView(operation.buffer), 0)
          expect(one.application.check(one.state)).toBeUndefined()
        }
        expect(one.bytes().equals(other.bytes())).toBe(true)
      }),
    )
  })
})
