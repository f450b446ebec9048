/** Group commit: what is proposed between two turns is ordered as one, and each caller is told what is its own. */
import { describe, expect, it } from 'vitest'
import { apus } from '../../protocol/apus/index.js'
import { decodeReply } from '../../protocol/store/decode.js'
import { StoreGroup } from '../../protocol/store/index.js'
import { type OperationGroup, type ServiceModel, Standing } from '../../protocol/index.js'
import { Outcome } from '../../runner/index.js'
import { LoneOperation } from '../../runner/proposal-group.js'
import { Sessions } from '../../runner/sessions.js'
import { HistoryRecorder, Random } from '../../sim/index.js'
import { type KeyInput, type KeyOutput } from '../../runner/chaos/model.js'
import { judgeLoad } from '../../runner/chaos/verdict.js'
import { encode, openStore } from '../protocol/store/support.js'
import { InProcess } from './cluster-in-process.js'
import { SwappingGroup } from './swapping-group.js'

const bounds = { operationBytes: 256, replyBytes: 128 }
const increment = (key: string): Uint8Array =>
  encode({ commands: [{ name: 'incrby', parts: [key], number: 1 }] })
const get = (key: string): Uint8Array => encode({ commands: [{ name: 'get', parts: [key] }] })

interface Asked {
  readonly client: number
  readonly sequence: number
  readonly operation: Uint8Array
}

const inGroups = (): OperationGroup => new StoreGroup(bounds)
const alone = (): OperationGroup => new LoneOperation(bounds.operationBytes)

/** Sessions in front of a store that answers when it is told to. */
function open(count = 1, newGroup = inGroups) {
  const asked: Asked[] = []
  const noted: string[] = []
  const store = openStore({ slots: 16, arenaBytes: 4096, ...bounds })
  const reply = new Uint8Array(bounds.replyBytes)
  const sessions = new Sessions({
    first: 0,
    count,
    ...bounds,
    newGroup,
    nextEpoch: () => 0,
    isRefusal: (length) => length === 0,
    retryMillis: 20,
    patienceMillis: 1000,
    noted: (kind, client, sequence, _from, length) => {
      noted.push(`${kind} ${String(client)}.${String(sequence)} ${String(length)}`)
    },
    submit: (client, sequence, memory, at, length) => {
      asked.push({ client, sequence, operation: memory.slice(at, at + length) })
      return true
    },
  })
  const answer = ({ client, sequence, operation }: Asked): void => {
    const view = new DataView(operation.buffer)
    const length = store.application.apply(
      store.state,
      view,
      0,
      operation.length,
      new DataView(reply.buffer),
      0,
    )
    sessions.answered(client, sequence, reply, length)
  }
  /** How each proposal ended: the number that it was answered, or the outcome. */
  const ends: string[] = []
  const propose = (operation: Uint8Array, name: string): void => {
    sessions.propose(operation, operation.length, (outcome, bytes, length) => {
      const [value] =
        outcome === Outcome.done ? decodeReply(new DataView(bytes.slice(0, length).buffer), 0).values : []
      const words =
        value?.kind === 'integer' ? String(value.value) : (value?.kind ?? `outcome ${String(outcome)}`)
      ends.push(`${name}: ${words}`)
    })
  }
  return { sessions, asked, noted, answer, ends, propose }
}

describe('what is proposed between two turns', () => {
  it('leaves as one operation with the next, and each caller gets its own reply', () => {
    const { sessions, asked, answer, ends, propose, noted } = open(4)
    propose(increment('a'), 'first')
    propose(increment('b'), 'second')
    propose(increment('a'), 'third')
    expect(asked).toEqual([])
    expect(sessions.nextDue).toBe(0)
    sessions.leave()
    expect(asked.length).toBe(1)
    expect(sessions.underWay).toBe(3)
    answer(asked[0]!)
    expect(ends).toEqual(['first: 1', 'second: 1', 'third: 2'])
    expect(sessions.underWay).toBe(0)
    const call = `call 0.${String(asked[0]!.sequence)} ${String(increment('a').length)}`
    const end = `return 0.${String(asked[0]!.sequence)} 24`
    expect(noted).toEqual([call, call, call, end, end, end])
  })

  it('goes as it was proposed when it is alone', () => {
    const { sessions, asked, propose } = open()
    propose(increment('a'), 'one')
    sessions.leave()
    expect(asked.map(({ operation }) => operation)).toEqual([increment('a')])
  })

  it('is taken up to what an operation may have, and the rest is the next', () => {
    const { sessions, asked, propose, answer, ends } = open(2)
    for (let k = 0; k < 20; k++) propose(increment('a'), String(k))
    sessions.leave()
    // 10 results of 12 bytes, and 8 in front of them, are all that a reply of 128 bytes has room for.
    expect(asked.length).toBe(2)
    for (const each of asked) {
      expect(each.operation.length).toBeLessThanOrEqual(bounds.operationBytes)
      answer(each)
    }
    expect(ends).toEqual(Array.from({ length: 20 }, (_, k) => `${String(k)}: ${String(k + 1)}`))
  })

  it('goes on to gather while no session is free', () => {
    const { sessions, asked, propose, answer, ends } = open()
    propose(increment('a'), 'first')
    sessions.leave()
    for (const name of ['second', 'third', 'fourth']) {
      propose(increment('a'), name)
      sessions.leave()
      expect(sessions.nextDue).not.toBe(0)
    }
    expect(asked.length).toBe(1)
    answer(asked[0]!)
    // Whoever comes now comes behind those that wait.
    propose(increment('a'), 'fifth')
    sessions.leave()
    answer(asked[1]!)
    expect(asked.length).toBe(2)
    expect(ends).toEqual(['first: 1', 'second: 2', 'third: 3', 'fourth: 4', 'fifth: 5'])
  })

  it('is not kept apart by what has to go alone', () => {
    const { sessions, asked, propose } = open(9)
    for (const k of [1, 2, 3]) {
      propose(increment('a'), `write ${String(k)}`)
      propose(get('a'), `read ${String(k)}`)
    }
    sessions.leave()
    expect(asked.length).toBe(4)
    propose(get('a'), 'read')
    propose(increment('a'), 'write')
    propose(increment('a'), 'write')
    sessions.leave()
    expect(asked.length).toBe(6)
  })

  it('is one operation each where the service knows no groups', () => {
    const { sessions, asked, answer, ends, propose } = open(9, alone)
    for (const name of ['first', 'second']) propose(increment('a'), name)
    sessions.leave()
    for (const each of asked) answer(each)
    expect(ends).toEqual(['first: 1', 'second: 2'])
  })
})

describe('callers of a group', () => {
  const three = (each: ReturnType<typeof open>): void => {
    for (const name of ['first', 'second', 'third']) each.propose(increment('a'), name)
  }
  const all = (outcome: Outcome): string[] =>
    ['first', 'second', 'third'].map((name) => `${name}: outcome ${String(outcome)}`)

  it('do not know the outcome when it is given up', () => {
    const each = open()
    three(each)
    each.sessions.leave()
    each.sessions.now = 980
    each.sessions.tick()
    expect(each.ends).toEqual([])
    each.sessions.now = 1000
    each.sessions.tick()
    expect(each.ends).toEqual(all(Outcome.unknown))
    expect(each.noted.slice(3)).toEqual(Array(3).fill(`abandon 0.${String(each.asked[0]!.sequence)} 0`))
    // An answer that comes afterwards is nobody's.
    each.answer(each.asked[0]!)
    expect(each.ends.length).toBe(3)
  })

  it('do not know the outcome when the service refuses for ever', () => {
    const each = open()
    three(each)
    each.sessions.leave()
    const [{ client, sequence }] = each.asked as [Asked]
    each.sessions.answered(client, sequence, new Uint8Array(0), 0)
    expect(each.ends).toEqual(all(Outcome.unknown))
  })

  it('are refused when it was never asked for, as it has waited too long or everything ends', () => {
    const late = open()
    late.propose(get('a'), 'the only session')
    late.sessions.leave()
    three(late)
    late.sessions.now = 1000
    late.sessions.leave()
    expect(late.ends).toEqual(all(Outcome.refused))
    const closed = open()
    three(closed)
    closed.sessions.close()
    expect(closed.ends).toEqual(all(Outcome.refused))
    expect(closed.asked).toEqual([])
    const underWay = open()
    three(underWay)
    underWay.sessions.leave()
    underWay.sessions.close()
    expect(underWay.ends).toEqual(all(Outcome.unknown))
  })

  it('are asked for again as the same operation, and an answer to it twice is taken once', () => {
    const each = open()
    three(each)
    each.sessions.leave()
    each.sessions.now = 20
    each.sessions.tick()
    each.sessions.leaderChanged()
    expect(new Set(each.asked.map(({ sequence }) => sequence)).size).toBe(1)
    expect(each.asked.map(({ operation }) => operation)).toEqual(Array(3).fill(each.asked[0]!.operation))
    each.answer(each.asked[0]!)
    each.answer(each.asked[1]!)
    expect(each.ends).toEqual(['first: 1', 'second: 2', 'third: 3'])
  })

  it('are told, all of them, though one of them throws', () => {
    const each = open()
    each.propose(increment('a'), 'first')
    each.sessions.propose(increment('a'), increment('a').length, () => {
      throw new Error('of the second')
    })
    each.propose(increment('a'), 'third')
    each.sessions.leave()
    expect(() => {
      each.answer(each.asked[0]!)
    }).toThrow('of the second')
    expect(each.ends).toEqual(['first: 1', 'third: 3'])
  })

  it('may propose at once, which leaves with the next turn', () => {
    const { sessions, asked, answer } = open(2)
    let left = 5
    const again = (): void => {
      if (left-- > 0) sessions.propose(increment('a'), increment('a').length, again)
    }
    again()
    again()
    let turns = 0
    for (; asked.length > turns || sessions.gathered > 0; turns++) {
      sessions.leave()
      answer(asked[turns]!)
    }
    expect(turns).toBe(3)
  })
})

/** What callers of all replicas of a cluster see who increment a few keys, each one at a time. */
function increments(newGroup: (model: ServiceModel) => (() => OperationGroup) | undefined) {
  const nodes = 3
  const [clients, keys, wanted] = [12, 4, 400]
  const model = apus.service!.build({ nodes, parameters: { suspectMicros: 400_000, sessions: 2 } })
  const cluster = new InProcess({ ...model, newGroup: newGroup(model) }, nodes)
  const recorder = new HistoryRecorder<KeyInput, KeyOutput>()
  const times: number[] = []
  const random = new Random(7)
  try {
    cluster.until(() => cluster.leader() >= 0, 'a leader')
    let done = 0
    let under = 0
    const ask = (client: number): void => {
      const key = String(random.below(keys))
      times.push(performance.now())
      recorder.call(client, { kind: 'increment', key })
      under++
      const operation = increment(key)
      cluster.replicas[client % nodes]!.propose(operation, operation.length, (outcome, bytes, length) => {
        under--
        done++
        if (outcome !== Outcome.done) throw new Error(`outcome ${String(outcome)}`)
        const [value] = decodeReply(new DataView(bytes.slice(0, length).buffer), 0).values
        times.push(performance.now())
        recorder.return(client, value?.kind === 'integer' ? Number(value.value) : { error: 'no integer' })
        if (done + under < wanted) ask(client)
      })
    }
    for (let client = 0; client < clients; client++) ask(client)
    cluster.until(() => under === 0, 'all increments')
    const entries = cluster.replicas[cluster.leader()]!.standing[Standing.applied]!
    return { verdict: judgeLoad({ recorder, times }).verdict, done, entries }
  } finally {
    cluster.close()
  }
}

describe('increments of many callers of three replicas', () => {
  it('are linearizable, in fewer entries than there are of them', () => {
    const { verdict, done, entries } = increments((model) => model.newGroup)
    expect({ verdict, done }).toEqual({ verdict: 'linearizable', done: 400 })
    expect(entries).toBeLessThan(300)
  })

  it('are not where the replies of a group are handed out in the wrong order, which is found', () => {
    const { verdict, done, entries } = increments((model) => () => new SwappingGroup(model))
    expect({ verdict, done }).toEqual({ verdict: 'violated', done: 400 })
    expect(entries).toBeLessThan(300)
  })

  it('are an entry each where the service knows no groups', () => {
    const { verdict, entries } = increments(() => undefined)
    expect(verdict).toBe('linearizable')
    expect(entries).toBeGreaterThanOrEqual(400)
  })
})
