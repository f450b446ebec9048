// The batch: what goes out and comes in with one call, mistakes, and that nothing is allocated.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { CompletionKind, MisuseError } from '../../native/index.js'
import { Control, Flag, Right, Status } from '../../protocol/index.js'
import { connectionOf } from '../../protocol/apus/layout.js'
import { completionsOf, open, openCluster, turn, until } from './support.js'

const both = Flag.inline | Flag.signaled

test('requests of one turn take effect in order, and completions come in order', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [256] })
  one!.output.fill(1, 0, 8)
  one!.output.fill(2, 8, 16)
  one!.write(1, 0, 0, 0, 0, 8, 10, both)
  one!.write(1, 0, 0, 0, 8, 8, 11, Flag.inline)
  one!.read(1, 0, 0, 0, 64, 8, 12, Flag.signaled)
  expect(turn(one!).map(({ token, status }) => [token, status])).toEqual([
    [10, Status.ok],
    [12, Status.ok],
  ])
  expect([...new Uint8Array(other!.memory, 0, 8)]).toEqual(Array<number>(8).fill(2))
  expect([...new Uint8Array(one!.memory, 64, 8)]).toEqual(Array<number>(8).fill(2))
})

test('views beyond the 256th have connections of their own', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [64], retryMicros: 2_000 })
  const connect = async (view: number, ofOther: number): Promise<number> => {
    one!.control(1, Control.connect, connectionOf(view, 3), 0)
    other!.control(0, Control.connect, connectionOf(ofOther, 3), 0)
    for (const node of [one!, other!])
      expect((await completionsOf(node, 1))[0]).toMatchObject({ status: Status.ok })
    one!.write(1, 0, 0, 0, 0, 8, 1, both)
    return (await completionsOf(one!, 1))[0]!.status
  }
  for (const view of [255, 256, 300, 70_000, 2 ** 24 - 1]) {
    expect(await connect(view, view)).toBe(Status.ok)
    // The same in its low 16 bits, or in all but the topmost.
    for (const bit of [256, 2 ** 23]) expect(await connect(view, view ^ bit)).toBe(Status.retryExceeded)
  }
  for (const wrong of [2 ** 32, -1, 0.5, NaN])
    expect(() => {
      one!.control(1, Control.connect, wrong, 0)
    }).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }))
  expect(turn(one!)).toEqual([])
})

test('what has no room among the completions comes with the next turn', async () => {
  const nodes = await openCluster(2, { regionBytes: [64] }, { completions: 3 })
  for (let token = 0; token < 8; token++) nodes[0]!.write(1, 0, 0, 0, 0, 8, token, both)
  const tokens = [0, 1, 2, 3].map(() => turn(nodes[0]!).map(({ token }) => token))
  expect(tokens).toEqual([[0, 1, 2], [3, 4, 5], [6, 7], []])
})

test('messages that have no room in the input arena wait for the next turn', async () => {
  const options = { regionBytes: [64], receiveQueueDepth: 4, messageBytes: 48 }
  const [one, other] = await openCluster(2, options, { inputBytes: 64 })
  for (let i = 1; i <= 3; i++) {
    one!.output.fill(i, 48 * i, 48 * i + 40)
    one!.send(1, 48 * i, 40, i, Flag.signaled)
  }
  turn(one!)
  const firstBytes: number[] = []
  await until(
    'three messages',
    () => firstBytes.length === 3,
    [other!],
    (node, { kind, offset, length }) => {
      expect([kind, length]).toEqual([CompletionKind.message, 40])
      firstBytes.push(node.input[offset]!)
    },
  )
  expect(firstBytes).toEqual([1, 2, 3])
})

test('a reset ends the life of messages that have arrived and were not yet taken', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [64], receiveQueueDepth: 2, messageBytes: 8 })
  for (let i = 0; i < 2; i++) one!.send(1, 0, 8, i, Flag.signaled)
  expect(turn(one!).map(({ status }) => status)).toEqual([Status.ok, Status.ok])
  other!.control(0, Control.connect, 1, 5)
  expect(turn(other!).map(({ kind }) => kind)).toEqual([CompletionKind.control])
  one!.control(1, Control.connect, 1, 6)
  turn(one!)
  one!.output[0] = 9
  one!.send(1, 0, 8, 7, Flag.signaled)
  expect(turn(one!).map(({ token, status }) => [token, status])).toEqual([[7, Status.ok]])
  const [message, ...rest] = turn(other!)
  expect([message!.kind, other!.input[message!.offset], rest]).toEqual([CompletionKind.message, 9, []])
})

test('windows follow the memory, observations are of their moment, and what is published is there', async () => {
  const [one] = await openCluster(2, { regionBytes: [64, 64] }, { windowBytes: [16, 8] })
  const memory = new Uint8Array(one!.memory)
  const second = one!.regionsAt[1]!
  memory[second + 8] = 5
  one!.watch(0, 1, 0)
  one!.watch(1, 1, 16)
  turn(one!)
  expect([one!.windows[0]!.getUint8(8), one!.windows[1]!.getUint8(0)]).toEqual([5, 0])
  one!.output.set([7, 7, 7, 7, 7, 7, 7, 7])
  one!.observe(1, 16, 8, 41)
  one!.publish(1, 16, 0, 8)
  one!.observe(1, 16, 8, 42)
  const [before, after] = turn(one!)
  expect([before!.token, one!.input[before!.offset]]).toEqual([41, 0])
  expect([after!.token, one!.input[after!.offset]]).toEqual([42, 7])
  expect([one!.windows[1]!.getUint8(0), memory[second + 16]]).toEqual([7, 7])
})

test('a mistake names its request; those before it have been taken, the rest has not', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [64] })
  one!.output.fill(3, 0, 8)
  one!.write(1, 0, 0, 0, 0, 8, 1, both)
  one!.write(1, 0, 12, 0, 0, 8, 2, both)
  one!.write(1, 0, 8, 0, 0, 8, 3, both)
  let mistake: unknown
  try {
    one!.turn()
  } catch (error) {
    mistake = error
  }
  expect(mistake).toBeInstanceOf(MisuseError)
  expect(mistake).toMatchObject({ code: 'alignment', index: 1 })
  expect(turn(one!).map(({ token }) => token)).toEqual([1])
  expect([...new Uint8Array(other!.memory, 0, 16)]).toEqual([
    ...Array<number>(8).fill(3),
    ...Array<number>(8).fill(0),
  ])
})

test('each mistake has its name', async () => {
  const options = {
    regionBytes: [64],
    sendQueueDepth: 2,
    messageBytes: 16,
    receiveQueueDepth: 1,
    inlineBytes: 16,
  }
  const [one] = await openCluster(2, options, { windowBytes: [8], outputBytes: 64 })
  type Node = NonNullable<typeof one>
  const mistakes: Record<string, (node: Node) => void> = {
    'queuePair: to itself': (node) => {
      node.write(0, 0, 0, 0, 0, 8, 1, both)
    },
    'queuePair: beyond': (node) => {
      node.write(2, 0, 0, 0, 0, 8, 1, both)
    },
    'length: none': (node) => {
      node.write(1, 0, 0, 0, 0, 0, 1, both)
    },
    'length: no words': (node) => {
      node.write(1, 0, 0, 0, 0, 9, 1, both)
    },
    'length: of a message': (node) => {
      node.send(1, 0, 17, 1, 0)
    },
    'alignment: remote': (node) => {
      node.read(1, 0, 4, 0, 0, 8, 1, 0)
    },
    'local: region': (node) => {
      node.read(1, 0, 0, 1, 0, 8, 1, 0)
    },
    'local: beyond the region': (node) => {
      node.read(1, 0, 0, 0, 64, 8, 1, 0)
    },
    'local: before it': (node) => {
      node.read(1, 0, 0, 0, -8, 8, 1, 0)
    },
    'local: arena': (node) => {
      node.write(1, 0, 0, 0, 56, 16, 1, both)
    },
    'local: observed': (node) => {
      node.observe(0, 60, 8, 1)
    },
    'local: watched': (node) => {
      node.watch(0, 0, 64)
    },
    'inlineTooLong: 24': (node) => {
      node.write(1, 0, 0, 0, 0, 24, 1, both)
    },
    'control: no such': (node) => {
      node.control(1, 8, 0, 1)
    },
    'control: rights': (node) => {
      node.control(1, Control.rights, 8, 1)
    },
    'region: protected': (node) => {
      node.protect(1, Right.all, 1)
    },
    'region: published': (node) => {
      node.publish(1, 0, 0, 8)
    },
    'window: beyond': (node) => {
      node.watch(1, 0, 0)
    },
    'storage: append': (node) => {
      node.append(0, 8)
    },
    'storage: flush': (node) => {
      node.flush(1)
    },
    'queueFull: third of two': (node) => {
      for (let i = 0; i < 3; i++) node.write(1, 0, 0, 0, 0, 8, 1, Flag.inline)
    },
    'notReady: in RESET': (node) => {
      node.control(1, Control.reset, 0, 1)
      node.write(1, 0, 0, 0, 0, 8, 1, both)
    },
  }
  for (const [name, make] of Object.entries(mistakes)) {
    make(one!)
    expect(() => one!.turn(), name).toThrow(expect.objectContaining({ code: name.split(':')[0] }))
  }
})

test('a second control call of an end is refused while one is under way', async () => {
  const [one] = await openCluster(2, { regionBytes: [64] })
  one!.control(1, Control.reset, 0, 1)
  one!.control(1, Control.init, 0, 2)
  expect(() => one!.turn()).toThrow(expect.objectContaining({ code: 'controlBusy', index: 1 }))
})

test('a batch without a fabric serves a log only, and options are named when they are wrong', () => {
  expect(() => open({})).toThrow(expect.objectContaining({ code: 'ERR_OPTIONS' }))
  const shm = { cluster: 'options', self: 0, nodes: 2, regionBytes: [64] }
  const wrong: readonly [RegExp, object][] = [
    [/cluster must consist of/, { cluster: 'a/b' }],
    [/shm\.self must be a whole number/, { self: -1 }],
    [/self must be less than nodes/, { self: 2 }],
    [/nodes must be 1 to 32/, { nodes: 33 }],
    [/regions must have 8 bytes/, { regionBytes: [12] }],
    [/regionBytes must be an array/, { regionBytes: 64 }],
    [/packetBytes must be a multiple of 64/, { packetBytes: 100 }],
    [/loopback must be true or false/, { loopback: 1 }],
  ]
  for (const [message, options] of wrong) expect(() => open({ shm: { ...shm, ...options } })).toThrow(message)
  expect(() => open(null as never)).toThrow(/options must be an object/)
})

test('in steady state a turn allocates nothing in JavaScript', () => {
  const script = fileURLToPath(new URL('allocation.mjs', import.meta.url))
  const output = execFileSync(process.execPath, ['--expose-gc', script], { encoding: 'utf8' })
  const { turns, grownBytes, idleBytes } = JSON.parse(output) as Record<string, number>
  // What the measurement itself costs, as a loop that does nothing shows; a tenth of a byte a turn is no object.
  expect(grownBytes! - idleBytes!).toBeLessThan(turns! / 10)
})
