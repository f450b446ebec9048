import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoTree } from '../../model-check/search/memo-tree.js'
import { Packing } from '../../model-check/search/packing.js'

const slots = 6
// One slot is too wide for a node with an array of children.
const counts = Int32Array.of(3, 70_000, 2, 5, 40, 3)
const tuple = fc.tuple(...[...counts].map((count) => fc.nat(count - 1)))

/** Looks where earlier looks tell it to. */
function walk(ids: readonly number[], look: (slot: number) => void): number {
  let slot = 0
  let answer = 0
  for (let i = 0; i < 4; i++) {
    look(slot)
    answer += ids[slot]! * (i + 1)
    slot = (slot + 1 + ids[slot]!) % slots
  }
  return answer
}

test('answers that a tree knows are those of the function', () => {
  fc.assert(
    fc.property(fc.array(tuple, { minLength: 1, maxLength: 60 }), (tuples) => {
      const packing = new Packing(slots).widened(counts)
      const tree = new MemoTree(packing)
      const words = new Int32Array(packing.words)
      let known = 0
      for (const ids of [...tuples, ...tuples]) {
        packing.pack(Int32Array.from(ids), words, 0)
        const looked: number[] = []
        const answer = walk(ids, (slot) => {
          if (!looked.includes(slot)) looked.push(slot)
        })
        const found = tree.find(words, 0)
        if (found < 0) tree.learn(words, 0, looked, answer)
        else {
          known++
          expect(found).toBe(answer)
        }
        expect(tree.find(words, 0)).toBe(answer)
      }
      expect(known).toBeGreaterThanOrEqual(tuples.length)
    }),
  )
})

test('what looks at nothing is known for every state after one look', () => {
  const packing = new Packing(1).widened(Int32Array.of(4))
  const tree = new MemoTree(packing)
  const words = new Int32Array(packing.words)
  packing.pack(Int32Array.of(1), words, 0)
  expect(tree.find(words, 0)).toBe(-1)
  tree.learn(words, 0, [], 0)
  packing.pack(Int32Array.of(3), words, 0)
  expect(tree.find(words, 0)).toBe(0)
  tree.clear(packing)
  expect(tree.find(words, 0)).toBe(-1)
})
