import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { boolean, ring, struct, u16, u32, u64, u8, type AnyLayout } from '../../../protocol/layout/index.js'
import { memoryOf } from './arbitraries.js'

const item = struct({ kind: u8, value: u64 })
const numbers = ring(u16, 5)
const items = ring(item, 5)

const history = fc.array(fc.oneof(fc.integer({ min: 0, max: 65535 }), fc.constant('shift' as const)), {
  maxLength: 40,
})

function bytesOf(memory: DataView): number[] {
  return [...new Uint8Array(memory.buffer)]
}

/** Fresh bytes with the same contents, made by pushes alone. */
function pushed(layout: AnyLayout, push: (memory: DataView) => void): number[] {
  const memory = memoryOf(layout)
  push(memory)
  return bytesOf(memory)
}

describe('a ring', () => {
  test('is a queue, and equal contents are equal bytes whatever their history', () => {
    fc.assert(
      fc.property(history, (steps) => {
        const queue = numbers.view(memoryOf(numbers))
        const records = items.view(memoryOf(items))
        const model: number[] = []
        for (const step of steps) {
          if (step === 'shift') {
            if (model.length === 0) {
              expect(() => queue.shift()).toThrow('shift of an empty ring')
              expect(() => records.shift()).toThrow(RangeError)
              continue
            }
            model.shift()
            queue.shift()
            records.shift()
          } else if (model.length === 5) {
            expect([queue.full, records.full]).toEqual([true, true])
            expect(() => queue.push(step)).toThrow('push on a full ring of 5')
            expect(() => records.push()).toThrow(RangeError)
          } else {
            model.push(step)
            queue.push(step)
            const record = records.push()
            expect([record.kind, record.value]).toEqual([0, 0])
            record.kind = step & 255
            record.value = step * 2 ** 20
          }
        }
        expect([queue.length, queue.empty, queue.full]).toEqual([
          model.length,
          model.length === 0,
          model.length === 5,
        ])
        expect(model.map((_, i) => queue.get(i))).toEqual(model)
        expect(model.map((_, i) => records.at(i).value)).toEqual(model.map((value) => value * 2 ** 20))
        expect(bytesOf(queue.memory)).toEqual(
          pushed(numbers, (memory) => {
            for (const value of model) numbers.view(memory).push(value)
          }),
        )
        expect(bytesOf(records.memory)).toEqual(
          pushed(items, (memory) => {
            for (const value of model) {
              const record = items.view(memory).push()
              record.kind = value & 255
              record.value = value * 2 ** 20
            }
          }),
        )
        queue.clear()
        expect(bytesOf(queue.memory).every((byte) => byte === 0)).toBe(true)
      }),
    )
  })

  test('of items with wide alignment keeps the length apart from item 0', () => {
    expect([items.itemsOffset, items.sizeBytes, items.alignBytes]).toEqual([8, 88, 8])
    expect([numbers.itemsOffset, numbers.sizeBytes, numbers.alignBytes]).toEqual([4, 16, 4])
  })

  test('of every scalar takes set, and a refused push takes no slot', () => {
    const flags = ring(boolean, 2).view(new DataView(new ArrayBuffer(8)))
    flags.push(false)
    flags.set(0, true)
    expect(flags.get(0)).toBe(true)
    const words = ring(u32, 2).view(new DataView(new ArrayBuffer(12)))
    expect(() => words.push(-1)).toThrow(RangeError)
    expect(words.length).toBe(0)
  })

  test('stands inside another struct, and moves with it', () => {
    const outer = struct({ tag: u8, queue: numbers })
    const view = outer.view(new DataView(new ArrayBuffer(outer.sizeBytes * 2)))
    view.queue.push(7)
    view.base = outer.sizeBytes
    expect(view.queue.length).toBe(0)
    view.queue.push(9)
    view.base = 0
    expect([view.queue.length, view.queue.get(0)]).toEqual([1, 7])
  })
})
