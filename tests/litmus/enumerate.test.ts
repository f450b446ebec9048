// The enumerator against sets that were worked out by hand, and against the plain enumerator.
import { describe, expect, test } from 'vitest'
import {
  enumerateLitmus,
  judgeLitmus,
  litmusSetup,
  litmusSystem,
  runSchedule,
} from '../../model-check/litmus/index.js'
import { OutcomeView, outcomeKey } from '../../model-check/litmus/values.js'
import { enumerate } from '../../model-check/plain.js'
import { Run } from '../../sim/run/run.js'
import { outcomesOf, programOf } from './support.js'

const any = 'allowed: *'

test('two stores and two loads of one node by two threads', () => {
  const text = `n0: x, y
    n0    | n0
    x = 1 | r0 = y
    y = 1 | r1 = x
    observe: n0:r0 n0:r1
    allowed: * *`
  expect(outcomesOf(text)).toEqual(['0 0', '0 1', '1 1'])
})

test('several words are stored one by one for a peer, at once for other threads of the node', () => {
  const columns = `
    n0: b[2]
    n1: c[2]
    n0         | n0          | n1
    b = 1 1    | r0 r1 = b   | a: read n0.b into c
               |             | wait a
               |             | r0 r1 = c
    observe: n0:r0 n0:r1 n1:r0 n1:r1
    allowed: * * * *`
  const halves = ['0 0', '1 1']
  const all = ['0 0', '0 1', '1 0', '1 1']
  const pairs = (of: readonly string[]): string[] => halves.flatMap((n0) => of.map((n1) => `${n0} ${n1}`))
  expect(outcomesOf(columns)).toEqual(pairs(all))
})

test('words of a WRITE land in any order, or in ascending order', () => {
  const columns = `
    n1: b[2]
    n0                | n1
    write n1.b = 1 1  | r1 = b[1]
                      | r0 = b[0]
    observe: n1:r0 n1:r1
    allowed: * *`
  expect(outcomesOf(columns)).toEqual(['0 0', '0 1', '1 0', '1 1'])
  expect(outcomesOf(`knobs: placement in-order\n${columns}`)).toEqual(['0 0', '1 0', '1 1'])
})

test('messages arrive in order, each for its peer', () => {
  const text = `
    n2: x
    n0           | n1        | n2
    send n2 1    | send n2 3 | r0 = receive n1
    send n2 2 7  |           | r1 = receive n0
                 |           | r2 r3 = receive n0
    observe: n2:r0 n2:r1 n2:r2 n2:r3
    allowed: * * * *`
  expect(outcomesOf(text)).toEqual(['3 1 2 7'])
})

test('a notice comes after its data', () => {
  const text = `
    n1: x
    n0                    | n1
    write n1.x = 1 imm 9  | r0 = notified n0
                          | r1 = x
    observe: n1:r0 n1:r1
    allowed: 9 1`
  expect(outcomesOf(text)).toEqual(['9 1'])
})

test('conditions decide, on registers and on statuses', () => {
  const text = `
    n0: z
    n1: x = 1
    n0                       |
    a: read n1.x into z      |
    wait a                   |
    r0 = z                   |
    z = 5 if r0 == 1         |
    z = 6 if a != ok         |
    write n1.x = r0 if r0 == 2 |
    observe: n0.z n1.x
    allowed: 5 1`.replaceAll(/ +\|$/gm, '')
  expect(outcomesOf(text)).toEqual(['5 1'])
})

test('who waits for ever is part of the outcome, with the line', () => {
  const program = programOf(`
    n0: x
    n0
    await x == 1
    observe: n0.x
    allowed: 0 n0 waits`)
  const result = enumerateLitmus(program)
  expect(result.outcomes.map(({ outcome }) => outcome.endings[0]?.words)).toEqual([
    'waits at line 5: await x == 1',
  ])
  expect(judgeLitmus(program, result).isAsExpected).toBe(true)
})

test('a register that was never loaded has no value', () => {
  expect(outcomesOf('n0: x\nn0\nawait x == 1\nr0 = x\nobserve: n0:r0\nallowed: *')).toEqual(['- n0 waits'])
})

test('a node that comes back has its initial values again', () => {
  const text = `
    faults: restart 1
    n1: x = 5
    n0 | n1
       | x = 6
       | fault crash n1
       | restart:
       | r0 = x
    observe: n1:r0
    allowed: *`
  expect(outcomesOf(text)).toEqual(['- n1 down', '5'])
})

describe('READs and atomics', () => {
  const around = (operations: string, observed: string): string => `
    n0: y, z
    n1: x = 5
    n0
    ${operations.split('; ').join('\n')}
    observe: ${observed}
    allowed: ${observed.replaceAll(/\S+/g, '*')}`
  test.each([
    ['read n1.x into z', '5'],
    ['cas n1.x 5 -> 6 into z', '6'],
    ['faa n1.x 1 into z', '6'],
  ])('%s: silent ones make no completion', (operation, value) => {
    expect(outcomesOf(around(`a: ${operation} silent`, 'n0:a n1.x'))).toEqual([`- ${value}`])
    expect(outcomesOf(around(`a: ${operation}`, 'n0:a n1.x'))).toEqual([`ok ${value}`])
  })
  test.each(['read n1.x into z', 'cas n1.x 5 -> 6 into z', 'faa n1.x 1 into z'])(
    '%s: names a key',
    (operation) => {
      expect(outcomesOf(around(`a: ${operation} key 1`, 'n0:a'))).toEqual(['remoteAccess'])
    },
  )
  test('a fence is taken', () => {
    const text = around('read n1.x into y; l: faa n1.x 1 into z fence; wait l', 'n0.y n0.z')
    expect(outcomesOf(text)).toEqual(['5 5'])
  })
})

test('negative numbers and carries', () => {
  const text = `
    n0: z
    n1: x = 4294967295, y = 0
    n0
    faa n1.x 1 into z
    faa n1.y -1 into z
    observe: n1.x n1.y
    allowed: 4294967296 -1`
  expect(outcomesOf(text)).toEqual(['4294967296 -1'])
})

describe('faults', () => {
  test('a free one is taken anywhere, a budget of none nowhere', () => {
    const columns = `
      n1: x
      n0
      write n1.x = 1
      observe: n1.x
      ${any}`
    expect(outcomesOf(columns)).toEqual(['1'])
    expect(outcomesOf(`faults: cut 1 n0->n1\n${columns}`)).toEqual(['0', '1'])
    expect(outcomesOf(`faults: cut 1 n1->n0\n${columns}`)).toEqual(['0', '1'].slice(1))
  })
  test('one in a column is taken when its thread has come to it, and then for sure', () => {
    const text = `
      n1: x
      n0                | n1
      a: write n1.x = 1 | await x == 1
      wait a            | x = 2
      fault pause n1    |
      b: write n1.x = 3 |
      wait b            |
      observe: n0:b n1.x
      allowed: * *`
    expect(outcomesOf(text)).toEqual(['ok 3', 'ok 3 n1 waits'])
  })
  test('what a node finds on its disk after a crash', () => {
    const text = (flush: string): string => `
      n0
      append 7
      ${flush}
      fault crash n0
      restart:
      r0 = records
      r1 = record 0
      observe: n0:r0 n0:r1
      allowed: * *`
    const restarted = (outcomes: readonly string[]): string[] =>
      outcomes.filter((each) => !each.includes('down'))
    const free = (flush: string): string[] => restarted(outcomesOf(`faults: restart 1\n${text(flush)}`))
    expect(free('f: flush\nwait f')).toEqual(['1 7'])
    expect(free('')).toContain('1 7')
    expect(free('')).toContain('0 -')
  })
})

test('what is not needed any more tells no states apart', () => {
  const columns = (loads: string): string => `
    n0: x, y
    n0        | n0
    ${loads}  | x = 1
              | x = 2
    observe: n0.y
    allowed: 0`
  const states = (loads: string): number => enumerateLitmus(programOf(columns(loads))).states
  expect(states('r0 = x')).toBe(states('await x >= 0'))
})

const twins: Readonly<Record<string, string>> = {
  'message passing': `
    n1: x, y
    n0             | n1
    write n1.x = 1 | r0 = y
    write n1.y = 1 | r1 = x
    observe: n1:r0 n1:r1
    allowed: * *`,
  'a READ and an atomic': `
    n0: z
    n1: x
    n0                  | n1
    a: read n1.x into z | x = 1
    b: faa n1.x 1 into z |
    observe: n0:a n0:b n0.z n1.x
    allowed: * * * *`,
  'a cut': `
    faults: cut 1, heal 1
    n1: x
    n0
    a: write n1.x = 1
    observe: n0:a n1.x
    allowed: * *`,
}

test.each(Object.entries(twins))(
  '%s: as many states and steps as the plain enumerator finds',
  (_name, text) => {
    const program = programOf(text)
    const result = enumerateLitmus(program)
    const plain = enumerate(litmusSystem(program), { ...litmusSetup(program), without: ['outcome'] })
    expect({ states: result.states, steps: result.steps }).toEqual({
      states: plain.distinct,
      steps: plain.moved,
    })
  },
)

test.each(Object.entries(twins))(
  '%s: schedules lead to their outcomes; the core hides no state',
  (_name, text) => {
    const program = programOf(text)
    for (const { outcome, schedule } of enumerateLitmus(program).outcomes) {
      const { world, log } = runSchedule(program, schedule)
      expect(outcomeKey(new OutcomeView(program, world).outcome())).toBe(outcomeKey(outcome))
      const tested = new Run(litmusSystem(program), litmusSetup(program), true)
      for (let i = 0; i < log.length; i++) {
        const site = tested.world.sites[log.site(i)]!
        tested.take(site.index, site.find(log.subject(i)))
      }
      expect(tested.world.failure).toBeUndefined()
      expect(tested.world.fingerprint()).toBe(world.fingerprint())
    }
  },
)

test('a bound cuts off, and then nothing is as expected', () => {
  const program = programOf(twins['message passing']!)
  const result = enumerateLitmus(program, { states: 5 })
  expect(result.isComplete).toBe(false)
  expect(judgeLitmus(program, result)).toMatchObject({ isAsExpected: false, missing: [] })
})

test('a step that fails an assertion ends the search, with the way to it', () => {
  const text = `fabric: depth 1
    n1: x
    n0
    write n1.x = 1; write n1.x = 2
    observe: n1.x
    allowed: 2`
  const { failure } = enumerateLitmus(programOf(text))
  expect(failure?.message).toMatch(/must hold at most 1 requests/)
  expect(failure?.schedule.length).toBe(1)
})
