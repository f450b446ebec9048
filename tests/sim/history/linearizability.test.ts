import { describe, expect, test } from 'vitest'
import { HistoryRecorder, type Operation } from '../../../sim/history/history.js'
import { keyValue, type KeyValueInput } from '../../../sim/history/key-value.js'
import { checkLinearizable, type NotLinearizable } from '../../../sim/history/linearizability.js'
import { register, type RegisterInput, type RegisterOutput } from '../../../sim/history/register.js'
import { explainViolation } from '../../../sim/history/explain.js'

type Recorder = HistoryRecorder<RegisterInput, RegisterOutput>
type RegisterOperation = Operation<RegisterInput, RegisterOutput>

const read: RegisterInput = { kind: 'read' }
const write = (value: number): RegisterInput => ({ kind: 'write', value })
const swap = (expected: number, value: number): RegisterInput => ({ kind: 'compareAndSet', expected, value })

/** An operation that overlaps with nothing. */
function alone(history: Recorder, client: number, input: RegisterInput, output: RegisterOutput): void {
  history.call(client, input)
  history.return(client, output)
}

function record(tell: (history: Recorder) => void): readonly RegisterOperation[] {
  const history: Recorder = new HistoryRecorder()
  tell(history)
  return history.operations()
}

function violation(operations: readonly RegisterOperation[]): NotLinearizable<RegisterInput, RegisterOutput> {
  const result = checkLinearizable(operations, register())
  if (result.verdict === 'linearizable') throw new Error('This history was meant to be violated.')
  expect(result.verdict).toBe('violated')
  return result
}

const verdict = (operations: readonly RegisterOperation[]): string =>
  checkLinearizable(operations, register()).verdict

describe('what no register could have answered is a violation', () => {
  test('a stale read', () => {
    const result = violation(
      record((history) => {
        alone(history, 1, write(3), 'ok')
        alone(history, 1, write(5), 'ok')
        alone(history, 2, read, 3)
      }),
    )
    expect(result.sentence).toBe(
      'read() -> 3 by client 2 was called after write(5) -> ok by client 1 had returned, ' +
        'but write(3) -> ok by client 1, the last to lead to 3, had returned before that began.',
    )
    expect(result.partial.length).toBe(2)
    expect(result.blocked.client).toBe(2)
  })

  test('a read of the initial value after a write', () => {
    const result = violation(
      record((history) => {
        alone(history, 1, write(5), 'ok')
        alone(history, 2, read, 0)
      }),
    )
    expect(result.sentence).toBe(
      'read() -> 0 by client 2 was called after write(5) -> ok by client 1 had returned, ' +
        'but 0 was only there at the start.',
    )
  })

  test('a value that nobody wrote', () => {
    const result = violation(record((history) => alone(history, 1, read, 7)))
    expect(result.sentence).toBe('read() -> 7 by client 1 needs the state 7, but nothing ever led to it.')
  })

  test('a value read before its write was called', () => {
    const result = violation(
      record((history) => {
        alone(history, 1, read, 7)
        alone(history, 2, write(7), 'ok')
      }),
    )
    expect(result.sentence).toBe(
      'read() -> 7 by client 1 had returned before write(7) -> ok by client 2 was called, ' +
        'and nothing else led to 7 before.',
    )
  })

  test('a lost update: two successful compare-and-sets of the same value, one after the other', () => {
    const result = violation(
      record((history) => {
        alone(history, 1, swap(0, 1), true)
        alone(history, 2, swap(0, 2), true)
      }),
    )
    expect(result.blocked.client).toBe(2)
    expect(result.sentence).toContain('but 0 was only there at the start')
  })

  test('a race of compare-and-sets that both win', () => {
    const result = violation(
      record((history) => {
        history.call(1, swap(0, 1))
        history.call(2, swap(0, 2))
        history.return(1, true)
        history.return(2, true)
      }),
    )
    expect(result.sentence).toBe(
      'compareAndSet(0, 1) -> true by client 1 and compareAndSet(0, 2) -> true by client 2 ' +
        'each replaced the state 0, which was there at most once.',
    )
  })

  test('a race of compare-and-sets that both lose', () => {
    const result = violation(
      record((history) => {
        history.call(1, swap(0, 1))
        history.call(2, swap(0, 2))
        history.return(1, false)
        history.return(2, false)
      }),
    )
    expect(result.sentence).toContain('No order of the operations has a place for')
  })

  test('a new value and then the old one, while the write is still pending', () => {
    const result = violation(
      record((history) => {
        alone(history, 1, write(1), 'ok')
        history.call(1, write(2))
        alone(history, 2, read, 2)
        alone(history, 3, read, 1)
        history.return(1, 'ok')
      }),
    )
    expect(result.blocked.client).toBe(3)
    expect(result.sentence).toBe(
      'read() -> 1 by client 3 was called after read() -> 2 by client 2 had returned, ' +
        'but write(1) -> ok by client 1, the last to lead to 1, had returned before that began.',
    )
  })

  test('an unknown write that is seen, overwritten, and seen again', () => {
    const operations = record((history) => {
      history.call(1, write(1))
      history.abandon(1)
      alone(history, 2, read, 1)
      alone(history, 3, write(2), 'ok')
      alone(history, 2, read, 1)
    })
    expect(verdict(operations)).toBe('violated')
  })
})

describe('what some order explains is linearizable', () => {
  test('an unknown write observed much later, after its client went on', () => {
    const operations = record((history) => {
      history.call(1, write(1))
      history.abandon(1)
      alone(history, 1, write(2), 'ok')
      alone(history, 2, read, 2)
      alone(history, 2, read, 1)
    })
    expect(verdict(operations)).toBe('linearizable')
  })

  test('an unknown write that is never observed', () => {
    const operations = record((history) => {
      history.call(1, write(1))
      history.abandon(1)
      alone(history, 2, read, 0)
      alone(history, 2, read, 0)
    })
    expect(verdict(operations)).toBe('linearizable')
  })

  test('a chain of unknown compare-and-sets', () => {
    const operations = record((history) => {
      for (const value of [2, 1, 0]) {
        history.call(value, swap(value, value + 1))
        history.abandon(value)
      }
      alone(history, 5, read, 3)
    })
    expect(verdict(operations)).toBe('linearizable')
  })

  test('the only chain of unknown compare-and-sets that leaves enough for later, behind many others', () => {
    const values = Array.from({ length: 31 }, (_, index) => 100 + index)
    const operations = record((history) => {
      const lost = (input: RegisterInput): void => {
        history.call(1, input)
        history.abandon(1)
      }
      for (const value of values) {
        for (let times = 0; times < 2; times++) lost(swap(0, value))
        lost(swap(value, 1))
      }
      lost(swap(0, values.at(-1)!))
      alone(history, 2, read, 1)
      for (const value of [...values, ...values]) {
        alone(history, 2, write(0), 'ok')
        alone(history, 2, read, value)
      }
    })
    expect(verdict(operations)).toBe('linearizable')
  })

  test('an operation that failed has no effect and leaves the history', () => {
    const operations = record((history) => {
      history.call(1, write(1))
      history.fail(1)
      alone(history, 1, read, 0)
    })
    expect(operations.map(({ index }) => index)).toEqual([1])
    expect(verdict(operations)).toBe('linearizable')
  })

  test('overlapping reads on both sides of a pending write', () => {
    const operations = record((history) => {
      history.call(1, write(1))
      alone(history, 2, read, 0)
      alone(history, 3, read, 1)
      history.return(1, 'ok')
    })
    expect(verdict(operations)).toBe('linearizable')
  })

  test('a history without operations', () => {
    expect(verdict([])).toBe('linearizable')
  })
})

test('the limit gives the verdict unknown, never a pass', () => {
  const operations = record((history) => {
    for (let client = 0; client < 10; client++) history.call(client, write(client))
    for (let client = 0; client < 10; client++) history.return(client, 'ok')
  })
  expect(checkLinearizable(operations, register(), { maxSteps: 5 }).verdict).toBe('unknown')
})

test('a violation in one key is found even where another key exceeds the limit', () => {
  const history = new HistoryRecorder<KeyValueInput, RegisterOutput>()
  for (let client = 0; client < 10; client++) history.call(client, { key: 'a', kind: 'write', value: client })
  for (let client = 0; client < 10; client++) history.return(client, 'ok')
  history.call(1, { key: 'b', kind: 'read' })
  history.return(1, 9)
  const limits = { maxSteps: 5 }
  expect(checkLinearizable(history.operations().slice(0, 10), keyValue(), limits).verdict).toBe('unknown')
  expect(checkLinearizable(history.operations(), keyValue(), limits).verdict).toBe('violated')
})

test('keys are independent: a violation names its key and holds only its operations', () => {
  const history = new HistoryRecorder<KeyValueInput, RegisterOutput>()
  history.call(1, { key: 'a', kind: 'write', value: 1 })
  history.return(1, 'ok')
  history.call(1, { key: 'b', kind: 'read' })
  history.return(1, null)
  history.call(1, { key: 'a', kind: 'read' })
  history.return(1, null)
  const result = checkLinearizable(history.operations(), keyValue())
  expect(result).toMatchObject({
    verdict: 'violated',
    partition: 'a',
    sentence:
      'a.read() -> nothing by client 1 was called after a.write(1) -> ok by client 1 had returned, ' +
      'but nothing was only there at the start.',
  })
})

test('the drawing shows who overlapped with whom around the contradiction', () => {
  const result = violation(
    record((history) => {
      history.call(4, write(9))
      history.abandon(4)
      alone(history, 1, write(1), 'ok')
      history.call(1, write(2))
      alone(history, 2, read, 2)
      alone(history, 3, read, 1)
      history.return(1, 'ok')
    }),
  )
  expect(explainViolation(result, register()).split('\n')).toEqual([
    'register: not linearizable',
    'read() -> 1 by client 3 was called after read() -> 2 by client 2 had returned, ' +
      'but write(1) -> ok by client 1, the last to lead to 1, had returned before that began.',
    '',
    'client 1  write(1) -> ok  1     |--|',
    'client 1  write(2) -> ok  2           |--------------|',
    'client 2  read() -> 2     3              |--|',
    'client 3  read() -> 1     X                    |--|',
    'client 4  write(9) -> ?   -  |-------------------------->',
    '',
    'Numbers: places in the longest order found (3 of 5 operations). X: has no place in it. -: not placed.',
  ])
})

test('histories that cannot be are refused', () => {
  const history: Recorder = new HistoryRecorder()
  history.call(1, read)
  expect(() => history.call(1, read)).toThrow('while its previous operation was pending')
  expect(() => history.return(2, 0)).toThrow('no pending operation')
  const operation = { client: 1, index: 0, input: read, output: 0, called: 3, returned: 3 }
  expect(() => checkLinearizable([operation], register())).toThrow('must be called before it returns')
  expect(() => checkLinearizable([{ ...operation, returned: Infinity }], register())).toThrow('no output')
})
