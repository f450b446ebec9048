import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventHeap } from '../../../sim/schedulers/heap.js'

interface Event {
  time: number
  site: number
}

/** Numbers push an event of that time, undefined pops. */
function follow(heap: EventHeap, script: readonly (number | undefined)[]): void {
  const expected: Event[] = []
  const pop = (): void => {
    // The first of the least times: a stable order.
    let least = 0
    for (let i = 1; i < expected.length; i++) if (expected[i]!.time < expected[least]!.time) least = i
    const [event] = expected.splice(least, 1)
    expect(heap.pop()).toBe(event !== undefined)
    if (event !== undefined)
      expect([heap.time, heap.site, heap.subject]).toEqual([event.time, event.site, event.site * 2])
  }
  script.forEach((time, site) => {
    if (time === undefined) return pop()
    heap.push(time, site, site * 2)
    expected.push({ time, site })
    expect(heap.size).toBe(expected.length)
  })
  while (expected.length > 0) pop()
  pop()
}

test('events leave in the order of their times, equal times in the order they came', () => {
  const script = fc.array(fc.option(fc.nat(12), { nil: undefined, freq: 4 }), { maxLength: 80 })
  fc.assert(
    fc.property(script, script, (first, second) => {
      const heap = new EventHeap()
      follow(heap, first)
      follow(heap, second)
    }),
    { seed: 1, numRuns: 150 },
  )
})

test('a heap grows, and is empty when cleared', () => {
  const heap = new EventHeap()
  follow(
    heap,
    Array.from({ length: 700 }, (_, i) => (i * 37) % 101),
  )
  heap.push(1, 1, 1)
  heap.clear()
  expect([heap.size, heap.pop()]).toEqual([0, false])
})
