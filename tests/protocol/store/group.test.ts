// Operations of several callers as one: nothing that a caller can see tells it from one after the other.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Code, StoreGroup, isSure, type StoreCapacity } from '../../../protocol/store/index.js'
import { asked, command } from './arbitraries.js'
import { encode, openStore, type Asked, type Command } from './support.js'

const capacities: Readonly<Record<string, StoreCapacity>> = {
  tiny: { slots: 3, arenaBytes: 128, operationBytes: 512, replyBytes: 64, blockBytes: 16 },
  roomy: { slots: 32, arenaBytes: 8208, operationBytes: 1024, replyBytes: 512, blockBytes: 24 },
}
const KEYS = ['a', 'b', 'c', 'd', 'key', 'a longer key', '', '\0', '\0\0', 'twelve bytes']

/** What an operation is answered, as bytes. */
function applier(capacity: StoreCapacity) {
  const opened = openStore(capacity)
  const { application, state } = opened
  return {
    opened,
    apply(bytes: Uint8Array, length: number): Uint8Array {
      const reply = new DataView(new ArrayBuffer(application.replyBytes))
      const view = new DataView(bytes.buffer, bytes.byteOffset, length)
      const replied = application.apply(state, view, 0, length, reply, 0)
      return new Uint8Array(reply.buffer, 0, replied)
    },
  }
}

/** All that can be asked about a store at a time. */
const look = ({ opened }: ReturnType<typeof applier>, time: number): unknown => [
  opened.ask('size', [], 0, undefined, time),
  ...KEYS.map((key) => [
    opened.ask('get', [key], 0, undefined, time),
    opened.ask('ttl', [key], 3, undefined, time),
    opened.ask('versions', [key], 0, undefined, time),
  ]),
]

describe.each(Object.entries(capacities))('in a %s store', (_name, capacity) => {
  it('a group is answered and leaves behind what its members do one after the other', () => {
    let most = 0
    const short = command.filter(({ name, flags = 0 }) => isSure(Code[name], flags))
    const sociable: fc.Arbitrary<Asked> = fc.record({
      commands: fc.array(short, { minLength: 1, maxLength: 2 }),
    })
    const one = fc.tuple(
      fc.oneof({ weight: 8, arbitrary: sociable }, { weight: 1, arbitrary: asked }),
      // Time goes on now and then.
      fc.nat(9),
    )
    fc.assert(
      fc.property(fc.array(one, { maxLength: 60 }), (operations) => {
        const together = applier(capacity)
        const alone = applier(capacity)
        const group = new StoreGroup(together.opened.application)
        const into = new Uint8Array(capacity.replyBytes).fill(0xee)
        let members: Uint8Array[] = []
        const end = (): void => {
          if (members.length === 0) return
          expect(group.members).toBe(members.length)
          expect(group.length).toBeLessThanOrEqual(capacity.operationBytes)
          most = Math.max(most, members.length)
          const reply = together.apply(group.bytes, group.length)
          for (const member of members) {
            const own = alone.apply(member, member.length)
            const length = members.length === 1 ? reply.length : group.takeReply(reply, into)
            expect((members.length === 1 ? reply : into).slice(0, length)).toEqual(own)
          }
          expect(together.opened.application.check(together.opened.state)).toBeUndefined()
          group.clear()
          members = []
        }
        let time = 1_000
        for (const [its, step] of operations) {
          if (step === 0) time += 20
          const operation = encode({ ...its, time })
          if (operation.length > capacity.operationBytes) continue
          if (!group.add(operation, operation.length)) {
            end()
            expect(group.add(operation, operation.length)).toBe(true)
          }
          members.push(operation)
        }
        end()
        expect(look(together, time)).toEqual(look(alone, time))
      }),
      { numRuns: 300 },
    )
    // Else the property looks at less than it says.
    expect(most).toBeGreaterThanOrEqual(capacity.replyBytes === 64 ? 4 : 6)
  })
})

const bounds = { operationBytes: 128, replyBytes: 64 }
const set = (key: string, value: string, flags = 0): Command => ({ name: 'set', parts: [key, value], flags })
const groupOf = (...operations: readonly Uint8Array[]): { group: StoreGroup; taken: boolean[] } => {
  const group = new StoreGroup(bounds)
  return { group, taken: operations.map((operation) => group.add(operation, operation.length)) }
}
const of = (...commands: readonly Command[]): Uint8Array => encode({ commands })

describe('what goes alone', () => {
  const plain = of(set('a', '1'))
  it.each<[string, Uint8Array]>([
    ['a read', of({ name: 'get', parts: ['a'] })],
    ['a read of sure length, which needs no place in the log', of({ name: 'strlen', parts: ['a'] })],
    ['a write whose result may be long', of(set('a', '1', 4))],
    ['a write with a long read behind it', of(set('a', '1'), { name: 'get', parts: ['a'] })],
    ['a transaction', encode({ commands: [set('a', '1')], isTransaction: true })],
    [
      'an operation with a condition',
      encode({ commands: [set('a', '1')], conditions: [{ key: 'a', version: 0 }] }),
    ],
    ['an operation of another time', encode({ commands: [set('a', '1')], time: 1_001 })],
    ['an operation without a command', of()],
    ['what is no operation', new Uint8Array(24)],
    [
      'what says that it has more commands than it has',
      (() => {
        const bytes = plain.slice()
        bytes[12] = 9
        return bytes
      })(),
    ],
    [
      'what has other bytes than zeros where it is padded',
      (() => {
        const bytes = of({ name: 'append', parts: ['a', ''] }, { name: 'flush' })
        expect(bytes.length % 8).toBe(0)
        bytes[bytes.length - 1] = 7
        return bytes
      })(),
    ],
  ])('%s', (_what, operation) => {
    const first = groupOf(operation, plain)
    expect(first.taken).toEqual([true, false])
    expect(first.group.bytes.slice(0, first.group.length)).toEqual(operation)
    const second = groupOf(plain, operation)
    expect(second.taken).toEqual([true, false])
    expect(second.group.bytes.slice(0, second.group.length)).toEqual(plain)
    expect(second.group.add(plain, plain.length)).toBe(true)
  })
})

describe('bounds', () => {
  it('an operation that has no room is left to the next group, and what is there stays as it was', () => {
    const [first, second] = [of(set('a', 'x'.repeat(40))), of(set('b', 'y'.repeat(60)))]
    const { group, taken } = groupOf(first, second)
    expect(taken).toEqual([true, false])
    expect(group.bytes.slice(0, group.length)).toEqual(first)
    expect(group.isOpen).toBe(true)
  })

  it('there are no more commands than are sure to be answered: 8 bytes, and 12 for each', () => {
    const { group, taken } = groupOf(...Array.from({ length: 6 }, (_, k) => of(set(String(k), ''))))
    expect(taken).toEqual([true, true, true, true, false, false])
    expect(group.members).toBe(4)
  })

  it('what the store did not take is told to every member', () => {
    const { group } = groupOf(of(set('a', '1')), of(set('b', '2')))
    const into = new Uint8Array(bounds.replyBytes)
    for (let member = 0; member < 2; member++) {
      expect(group.takeReply(Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0), into)).toBe(8)
      expect(into[0]).toBe(2)
    }
  })
})
