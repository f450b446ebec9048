import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Packing, Repacking, occupied } from '../../model-check/search/packing.js'

/** Ids of some states, and how many ids each slot has had. */
const stateTuples = fc
  .array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 })
  .chain((counts) =>
    fc.record({
      counts: fc.constant(counts),
      more: fc.tuple(...counts.map((count) => fc.integer({ min: count, max: count * 9 }))),
      states: fc.array(fc.tuple(...counts.map((count) => fc.nat(count - 1))), { maxLength: 8 }),
    }),
  )

test('states come out of packing as they went in, also after they were packed anew', () => {
  fc.assert(
    fc.property(stateTuples, ({ counts, more, states }) => {
      const packing = new Packing(counts.length).widened(Int32Array.from(counts))
      const packed = new Int32Array(Math.max(1, states.length) * packing.words)
      const ids = new Int32Array(counts.length)
      states.forEach((state, i) => {
        packing.pack(Int32Array.from(state), packed, i * packing.words)
        expect(packed[i * packing.words]! & occupied).toBe(occupied)
        packing.unpack(packed, i * packing.words, ids)
        expect([...ids]).toEqual(state)
      })
      const wider = packing.widened(Int32Array.from(more))
      expect(more.every((count, slot) => wider.fits(slot, count - 1))).toBe(true)
      const again = new Repacking(packing, wider).repack(
        packed,
        states.length,
        new Int32Array((states.length + 1) * wider.words),
      )
      states.forEach((state, i) => {
        expect(again[i * wider.words]! & occupied).toBe(occupied)
        wider.unpack(again, i * wider.words, ids)
        expect([...ids]).toEqual(state)
      })
    }),
  )
})

test('the bits that ids do not need are given away, but never for another word', () => {
  const packing = new Packing(3).widened(Int32Array.of(1, 4, 9))
  expect(packing.bitsOf[0]).toBe(0)
  expect(packing.fits(0, 0)).toBe(true)
  expect(packing.fits(0, 1)).toBe(false)
  expect(packing.bitsOf[1]).toBeGreaterThan(2)
  expect(packing.bitsOf[2]).toBeGreaterThan(4)
  expect(packing.words).toBe(2)
  // With eleven bits each, only two would have room in a word.
  const full = new Packing(6).widened(new Int32Array(6).fill(1024))
  expect(full.words).toBe(2)
  expect(full.fits(5, 1023)).toBe(true)
  expect(new Packing(6).widened(new Int32Array(6).fill(1025)).words).toBe(3)
})
