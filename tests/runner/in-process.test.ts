/** Replicas over shared memory in one thread: failover, rejoining, disks, and callers that are told the truth. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apus } from '../../protocol/apus/index.js'
import {
  Code,
  Mode,
  beginOperation,
  endOperation,
  newInteger,
  putArgument,
  putCommand,
} from '../../protocol/store/index.js'
import { decodeReply } from '../../protocol/store/decode.js'
import { Standing } from '../../protocol/index.js'
import { Outcome } from '../../runner/index.js'
import { InProcess } from './cluster-in-process.js'

const open: InProcess[] = []
afterEach(() => {
  for (const cluster of open.splice(0)) cluster.close()
})
const clusterOf = (parameters: Readonly<Record<string, number>> = {}, nodes = 3): InProcess => {
  const made = new InProcess(
    apus.service!.build({ nodes, parameters: { suspectMicros: 20_000, ...parameters } }),
    nodes,
  )
  open.push(made)
  return made
}

const operationOf = (code: number, key: number, value?: number): Uint8Array => {
  const memory = new DataView(new ArrayBuffer(128))
  const text = (words: string): DataView => new DataView(new TextEncoder().encode(words).buffer)
  let at = beginOperation(memory, Mode.batch, Date.now())
  at = putCommand(memory, at, code, 0, value === undefined ? 1 : 2, newInteger())
  const name = text(`key ${String(key)}`)
  at = putArgument(memory, at, name, 0, name.byteLength)
  if (value !== undefined) {
    const bytes = text(String(value))
    at = putArgument(memory, at, bytes, 0, bytes.byteLength)
  }
  return new Uint8Array(memory.buffer).slice(0, endOperation(memory, at, 0, 1))
}
const put = (key: number, value: number): Uint8Array => operationOf(Code.set, key, value)
const get = (key: number): Uint8Array => operationOf(Code.get, key)
const valueOf = (reply: Uint8Array): number | undefined => {
  const [value] = decodeReply(new DataView(new Uint8Array(reply).buffer), 0).values
  return value?.kind === 'bulk' ? Number(value.text) : undefined
}

it('a request of a follower is forwarded, and everybody applies it', () => {
  const cluster = clusterOf()
  cluster.ask(1, put(1, 11))
  cluster.ask(2, put(2, 22))
  expect([0, 1, 2].map((node) => valueOf(cluster.ask(node, get(2))))).toEqual([22, 22, 22])
  cluster.until(() => cluster.replicas.every((each) => each!.standing[Standing.applied]! >= 2), 'all apply')
})

describe.each([
  ['memory', 0],
  ['disk', 1],
])('in %s mode', (_, durability) => {
  it('what was acknowledged survives the death of leaders, one after the other', () => {
    const cluster = clusterOf({ durability })
    for (let round = 1; round <= 4; round++) {
      cluster.until(() => cluster.leader() >= 0, 'a leader')
      const leader = cluster.leader()
      const other = (leader + 1) % 3
      cluster.ask(other, put(1, round))
      cluster.kill(leader)
      expect(valueOf(cluster.ask(other, get(1)))).toBe(round)
      cluster.restart(leader)
      cluster.until(
        () => cluster.replicas.every((each) => each!.standing[Standing.isMember] === 1 && each!.leader >= 0),
        'the one that was killed is a member again',
      )
    }
  })

  it('operations under way when the leader dies take effect once', () => {
    const cluster = clusterOf({ durability })
    cluster.until(() => cluster.leader() >= 0, 'a leader')
    const leader = cluster.leader()
    const other = (leader + 1) % 3
    const outcomes: number[] = []
    for (let key = 0; key < 32; key++)
      cluster.replicas[other]!.propose(put(key, key + 1), put(key, key + 1).length, (outcome) =>
        outcomes.push(outcome),
      )
    for (let k = 0; k < 3; k++) for (const each of cluster.replicas) each!.turn(performance.now())
    cluster.kill(leader)
    cluster.until(() => outcomes.length === 32, 'all outcomes')
    expect(outcomes.every((outcome) => outcome === Outcome.done)).toBe(true)
    for (let key = 0; key < 32; key++) expect(valueOf(cluster.ask(other, get(key)))).toBe(key + 1)
  })
})

it('the loss of power of all loses nothing that was flushed', () => {
  const cluster = clusterOf({ durability: 1 })
  for (let key = 0; key < 20; key++) cluster.ask(key % 3, put(key, 100 + key))
  for (const node of [0, 1, 2]) cluster.kill(node)
  for (const node of [0, 1, 2]) cluster.restart(node)
  for (let key = 0; key < 20; key++) expect(valueOf(cluster.ask(0, get(key)))).toBe(100 + key)
})

it('a majority that has lost its memory refuses: the outcome is unknown, and nobody invents one', () => {
  const cluster = clusterOf({ suspectMicros: 3000 })
  cluster.ask(0, put(1, 1))
  for (const node of [0, 1]) cluster.kill(node)
  for (const node of [0, 1]) cluster.restart(node)
  const outcomes: number[] = []
  cluster.replicas[0]!.propose(get(1), get(1).length, (outcome) => outcomes.push(outcome))
  cluster.until(() => outcomes.length === 1, 'an outcome')
  expect(outcomes).toEqual([Outcome.unknown])
})

it('a log that is gone is noticed, and the replica recovers from its peers', () => {
  const cluster = clusterOf({ durability: 1 })
  cluster.ask(0, put(1, 7))
  cluster.kill(2)
  rmSync(join(cluster.logFolder(2), 'log'), { recursive: true })
  cluster.restart(2)
  // It has begun as one that remembers nothing.
  expect(cluster.replicas[2]!.standing[Standing.isMember]).toBe(0)
  cluster.until(() => cluster.replicas[2]!.standing[Standing.isMember] === 1, 'a member again')
  cluster.kill(0)
  expect(valueOf(cluster.ask(2, get(1)))).toBe(7)
})

it('an operation that is too long is refused at once', () => {
  const cluster = clusterOf()
  const { operationBytes } = cluster.replicas[0]!
  expect(() => {
    cluster.replicas[0]!.propose(new Uint8Array(operationBytes + 8), operationBytes + 8, () => undefined)
  }).toThrow(/at most \d+ bytes/)
})

describe('while nothing changes under its windows', () => {
  /** Inputs of each core in so many turns, in which no time passes. */
  const inputsIn = (turns: number, promises: boolean): readonly number[] => {
    const built = apus.service!.build({ nodes: 3, parameters: { suspectMicros: 1_000_000 } })
    const cores = built.cores.map((core) => ({ ...core, pollFollowsWindows: promises }))
    const cluster = new InProcess({ ...built, cores })
    open.push(cluster)
    cluster.ask(0, put(1, 1))
    const now = performance.now()
    const turn = (count: number): void => {
      for (let k = 0; k < count; k++) for (const each of cluster.replicas) each!.turn(now)
    }
    turn(100)
    const before = cluster.replicas.map((each) => each!.replica.inputs)
    turn(turns)
    const inputs = cluster.replicas.map((each, i) => each!.replica.inputs - before[i]!)
    // What changes is seen all the same.
    let isDone = false
    cluster.replicas[1]!.propose(put(2, 2), put(2, 2).length, () => (isDone = true))
    turn(100)
    expect(isDone).toBe(true)
    return inputs
  }

  it('a core that promises that its polls come to nothing is not asked', () => {
    expect(inputsIn(1000, true)).toEqual([0, 0, 0])
  })

  it('a core that does not is asked in every turn', () => {
    expect(inputsIn(1000, false)).toEqual([1000, 1000, 1000])
  })
})

it('a thread does not sleep while something that was proposed waits for a turn', () => {
  const cluster = clusterOf()
  const [replica] = cluster.replicas
  cluster.ask(0, put(1, 1))
  replica!.propose(put(2, 2), put(2, 2).length, () => undefined)
  expect(replica!.nextDue).toBe(0)
  // Else it returns after a minute, and the test is long over.
  replica!.wait(60_000_000)
})

it('more operations than sessions wait, and all are done', () => {
  const cluster = clusterOf({ sessions: 2 })
  let done = 0
  for (let k = 0; k < 100; k++)
    cluster.replicas[1]!.propose(put(k % 50, k), put(k % 50, k).length, (outcome) => {
      if (outcome === Outcome.done) done++
    })
  cluster.until(() => done === 100, 'all done')
})
