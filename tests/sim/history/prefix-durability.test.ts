import { describe, expect, test } from 'vitest'
import {
  checkPrefixDurability,
  type DurabilityEvent,
  type PrefixRule,
} from '../../../sim/history/prefix-durability.js'

type Event = DurabilityEvent<string>
const acknowledged = (index: number, value: string): Event => ({ kind: 'acknowledged', index, value })
const recovered = (letters: string): Event => ({ kind: 'recovered', log: [...letters] })

function sentence(events: readonly Event[], rule?: PrefixRule): string {
  const result = checkPrefixDurability(events, rule)
  return result.verdict === 'durable' ? 'durable' : result.sentence
}

describe('every later visible log holds what was acknowledged, at its place', () => {
  test('a log that grows by what was acknowledged is durable', () => {
    const events = [
      acknowledged(0, 'a'),
      recovered('ab'),
      acknowledged(1, 'b'),
      recovered('ab'),
      recovered('abc'),
    ]
    expect(checkPrefixDurability(events)).toEqual({ verdict: 'durable', acknowledged: 2, recovered: 3 })
  })

  test('an acknowledged entry that is lost is a violation', () => {
    expect(sentence([acknowledged(0, 'a'), acknowledged(1, 'b'), recovered('a')])).toBe(
      'The log recovered at event 2 ends at 1, but b at 1 was acknowledged at event 1.',
    )
  })

  test('an acknowledged entry that is replaced is a violation, under every rule', () => {
    for (const rule of ['agree', 'grow', 'free'] as const) {
      expect(sentence([acknowledged(1, 'b'), recovered('ac')], rule)).toBe(
        'The log recovered at event 1 holds c at 1, but b at 1 was acknowledged at event 0.',
      )
    }
  })

  test('an acknowledged entry at another place is a violation', () => {
    expect(sentence([acknowledged(0, 'a'), recovered('xa')])).toContain('holds x at 0')
  })

  test('two values acknowledged at one index are a violation', () => {
    expect(sentence([acknowledged(0, 'a'), acknowledged(0, 'b')])).toBe(
      'Entry 0 was acknowledged as b, but a at 0 was acknowledged at event 0.',
    )
  })

  test('a log from before the acknowledgement may be shorter', () => {
    expect(sentence([recovered(''), acknowledged(0, 'a'), recovered('a')])).toBe('durable')
  })

  test('the loss of an entry is reported for the first acknowledged one, not for gaps before it', () => {
    expect(sentence([recovered('abc'), acknowledged(2, 'c'), recovered('a')])).toContain(
      'c at 2 was acknowledged',
    )
  })
})

describe('visible logs agree as the rule requires', () => {
  test('logs that differ where both have an entry are a violation, unless tails are free', () => {
    const events = [recovered('ab'), recovered('ac')]
    expect(sentence(events)).toBe(
      'The log recovered at event 1 holds c at 1, but b at 1 was recovered at event 0.',
    )
    expect(sentence(events, 'free')).toBe('durable')
  })

  test('a shorter log is a violation only where logs must grow', () => {
    const events = [recovered('ab'), recovered('a')]
    expect(sentence(events)).toBe('durable')
    expect(sentence(events, 'grow')).toBe(
      'The log recovered at event 1 has 1 entries, but the one at event 0 had 2.',
    )
  })

  test('an acknowledgement must agree with what was visible before, unless tails are free', () => {
    const events = [recovered('a'), acknowledged(0, 'b')]
    expect(sentence(events)).toBe('Entry 0 was acknowledged as b, but a at 0 was recovered at event 0.')
    expect(sentence(events, 'free')).toBe('durable')
  })
})
