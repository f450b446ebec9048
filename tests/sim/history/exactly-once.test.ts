import { expect, test } from 'vitest'
import { checkExactlyOnce, type AppliedOrder, type RequestName } from '../../../sim/history/exactly-once.js'

const request = (client: number, sequence: number): RequestName => ({ client, sequence })
const order = (replica: number, ...requests: RequestName[]): AppliedOrder => ({ replica, requests })
const [a, b] = [request(1, 1), request(2, 1)]

test('requests applied once on each replica, in any order, are exactly once', () => {
  expect(checkExactlyOnce([a, b], [a], [order(0, a, b), order(1, b, a), order(2)])).toEqual({
    verdict: 'exactly once',
    called: 2,
    applied: 2,
  })
})

test('a retry that is called and acknowledged again is the same request', () => {
  expect(checkExactlyOnce([a, a], [a, a], [order(0, a)]).verdict).toBe('exactly once')
})

test('a retry applied again is a violation', () => {
  expect(checkExactlyOnce([a, b], [], [order(0, b), order(1, a, b, a)])).toEqual({
    verdict: 'violated',
    kind: 'applied twice',
    request: a,
    sentence: 'Replica 1 applied request 1 of client 1 twice, at 0 and at 2 of its order.',
  })
})

test('a request out of thin air is a violation', () => {
  expect(checkExactlyOnce([a], [], [order(0, a, b)])).toMatchObject({
    kind: 'never called',
    sentence: 'Replica 0 applied request 1 of client 2 at 1 of its order, but it was never called.',
  })
  expect(checkExactlyOnce([a], [b], [])).toMatchObject({ kind: 'never called' })
})

test('an acknowledged request that no replica has applied is a violation', () => {
  expect(checkExactlyOnce([a, b], [b], [order(0, a)])).toMatchObject({
    kind: 'lost',
    sentence: 'The request 1 of client 2 was acknowledged, but no replica has applied it.',
  })
})
