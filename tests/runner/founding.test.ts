/** Who may begin anew, and who must not look as if it had promised nothing. */
import { expect, test } from 'vitest'
import { beginningOf } from '../../runner/founding.js'
import type { Info } from '../../runner/peers.js'

const info = (boot: string, more: Partial<Info> = {}): Info => ({
  kind: 'info',
  boot,
  pid: 1,
  version: '1',
  digest: 'd',
  layout: 'l',
  known: [0, 0, 0],
  ...more,
})
const founded = (boot: string, founders: readonly string[], known = [0, 0, 0]): Info =>
  info(boot, { incarnation: 0, founders: [...founders], known })

test('all that have met found the cluster, and not before all have met', () => {
  expect(beginningOf(1, 'b', [info('a'), undefined, undefined])).toBeUndefined()
  expect(beginningOf(1, 'b', [info('a'), undefined, info('c')])).toEqual({
    incarnation: 0,
    founders: ['a', 'b', 'c'],
  })
})

test('who was counted on is a founder too, though another has begun already', () => {
  const first = founded('a', ['a', 'b', 'c'])
  expect(beginningOf(1, 'b', [first, undefined, undefined])).toEqual({
    incarnation: 0,
    founders: ['a', 'b', 'c'],
  })
})

test('a process that has died before it founded is a restarted node', () => {
  const first = founded('a', ['a', 'b', 'c'])
  expect(beginningOf(1, 'b again', [first, undefined, info('c')])).toEqual({
    incarnation: 1,
    founders: undefined,
  })
})

test('a node that has lost its folder begins behind the newest life that a majority knows', () => {
  const lives = [
    founded('a', ['a', 'b', 'c'], [0, 3, 0]),
    undefined,
    info('c', { incarnation: 2, known: [0, 5, 2] }),
  ]
  expect(beginningOf(1, 'new', lives)).toEqual({ incarnation: 6, founders: undefined })
  const five = [undefined, undefined, info('c', { incarnation: 2 }), undefined, undefined]
  expect(beginningOf(1, 'new', five)).toBeUndefined()
})

test('restarted nodes alone found nothing', () => {
  const restarted = info('a', { incarnation: 4, known: [4, 1, 0] })
  expect(beginningOf(1, 'b', [restarted, undefined, info('c')])?.founders).toBeUndefined()
})
