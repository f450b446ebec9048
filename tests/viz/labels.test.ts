// Where words stand in the diagram: free of marks, of lines along their row, and of each other, whatever the run.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LabelPlan, characterWidth } from '../../viz/page/diagram/labels.js'

const room = { middle: [50, 100], half: [23, 23], left: 0, right: 400 }
const low = { ...room, half: [10, 10] }

describe('a place for words', () => {
  test('is right of the mark while there is room', () => {
    const placed = new LabelPlan(room).place({ lane: 0, x: 100, words: 'poll' })!
    expect(placed).toMatchObject({ anchor: 'start', words: 'poll' })
    expect(placed.x).toBeGreaterThan(100)
    expect(Math.abs(placed.y - 50)).toBeLessThan(6)
  })
  test('is below where the line of an operation runs on along the row, and above where that is taken', () => {
    const plan = new LabelPlan(room)
    plan.mark(0, 100, 8)
    plan.mark(0, 140, 8)
    plan.line(100, 50, 140, 50)
    expect(plan.place({ lane: 0, x: 100, words: 'word 0' })!.y).toBeGreaterThan(58)
    expect(plan.place({ lane: 0, x: 110, words: 'word 1' })!.y).toBeLessThan(42)
  })
  test('is left of the last mark, before the edge would cut it', () => {
    const words = 'complete write 48B'
    const placed = new LabelPlan(low).place({ lane: 1, x: 390, words })!
    expect(placed).toMatchObject({ anchor: 'end', words })
    expect(placed.x - words.length * characterWidth).toBeGreaterThan(0)
  })
  test('holds fewer words where they fit nowhere, and none where hardly any would be left', () => {
    const plan = new LabelPlan({ ...low, right: 90 })
    expect(plan.place({ lane: 0, x: 20, words: 'a long story' })!.words).toMatch(/^a long.*…$/)
    expect(plan.place({ lane: 0, x: 22, words: 'another story' })).toBeUndefined()
  })
  test('avoids an arrow across while there is another', () => {
    const plan = new LabelPlan(room)
    plan.line(130, 0, 150, 150)
    const { y, anchor } = plan.place({ lane: 0, x: 100, words: 'request get k0' })!
    expect(anchor === 'end' || y !== 54).toBe(true)
  })
})

test('no two words, and no word and mark of a row, share a place', () => {
  const marks = fc.array(
    fc.record({ lane: fc.nat(1), x: fc.nat(400), length: fc.integer({ min: 1, max: 30 }) }),
    {
      maxLength: 40,
    },
  )
  fc.assert(
    fc.property(marks, fc.boolean(), (all, isLow) => {
      const plan = new LabelPlan(isLow ? low : room)
      for (const { lane, x } of all) plan.mark(lane, x, 8)
      const taken = all.map(({ lane, x }) => ({ from: x - 8, to: x + 8, y: room.middle[lane]! + 4 }))
      for (const { lane, x, length } of all) {
        const placed = plan.place({ lane, x, words: 'x'.repeat(length) })
        if (placed === undefined) continue
        const wide = placed.words.length * characterWidth
        const from = placed.anchor === 'start' ? placed.x : placed.x - wide
        for (const one of taken)
          if (one.y === placed.y) expect(from >= one.to || from + wide <= one.from).toBe(true)
        taken.push({ from, to: from + wide, y: placed.y })
      }
    }),
  )
})
