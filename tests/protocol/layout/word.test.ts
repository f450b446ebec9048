import { expect, test } from 'vitest'
import { moveWord } from '../../../protocol/layout/index.js'

const corners = [
  0n,
  1n,
  0x8000000000000000n, // -0
  0x7ff0000000000000n, // infinity
  0x7ff0000000000001n, // a signalling NaN
  0x7ff4000000000000n,
  0x7ff8000000000000n, // the quiet NaN
  0x7ff8dead0000beefn,
  0xfff0000000000001n,
  0xfff7ffffffffffffn, // V8's own "hole" is a NaN of this kind
  0xfff7fffffff7ffffn,
  0xfffffffffff7ffffn,
  0xffffffffffffffffn,
  0xdeadbeefcafebaben,
]

function survives(pattern: bigint): boolean {
  const [from, to] = [new BigUint64Array(3), new BigUint64Array(3)]
  from[2] = pattern
  moveWord(new Float64Array(from.buffer), 2, new Float64Array(to.buffer), 1)
  return to[1] === pattern && to[0] === 0n && to[2] === 0n
}

test('a moved word keeps every bit, NaN payloads included, cold and after the engine has optimised the move', () => {
  expect(corners.filter((pattern) => !survives(pattern))).toEqual([])

  const from = new Float64Array(64)
  const to = new Float64Array(64)
  const fromBits = new BigUint64Array(from.buffer)
  const toBits = new BigUint64Array(to.buffer)
  let lost = 0
  // A cheap walk through patterns that keeps coming back to NaNs.
  let pattern = 0x9e3779b97f4a7c15n
  for (let round = 0; round < 3000; round++) {
    for (let i = 0; i < 64; i++) {
      pattern = BigInt.asUintN(64, pattern * 6364136223846793005n + 1442695040888963407n)
      fromBits[i] = i % 2 === 0 ? pattern : pattern | 0x7ff0000000000000n
    }
    for (let pass = 0; pass < 10; pass++) for (let i = 0; i < 64; i++) moveWord(from, i, to, i)
    for (let i = 0; i < 64; i++) if (fromBits[i] !== toBits[i]) lost++
  }
  expect(lost).toBe(0)
  expect(corners.filter((each) => !survives(each))).toEqual([])
})
