/** Mail between runners over queue pairs that count packets: a pair that broke on one side carries messages again. */
import { expect, test } from 'vitest'
import type { NativeNode } from '../../native/index.js'
import { Control, Status } from '../../protocol/index.js'
import type { CoreHost } from '../../runner/host.js'
import { Mail, Post } from '../../runner/post.js'

/**
 * A reliable connection between two ends, as InfiniBand has it: each counts the packets of the other from where the number
 * of the connection says. What was counted before is acknowledged and dropped, what is ahead is refused until the sender
 * gives up; so is everything that meets an end under another number.
 */
class Pair {
  readonly ends = [0, 1].map(() => ({ number: 0, sent: 0, expected: 0 }))
  readonly heard: number[][] = [[], []]

  connect(end: number, number: number): void {
    this.ends[end] = { number, sent: 0, expected: 0 }
  }
  send(from: number, message: number): number {
    const [own, other] = [this.ends[from]!, this.ends[1 - from]!]
    const packet = own.sent++
    if (own.number !== other.number || packet > other.expected) return Status.retryExceeded
    if (packet === other.expected) {
      other.expected++
      this.heard[1 - from]!.push(message)
    }
    return Status.ok
  }
}

interface Side {
  readonly post: Post
  /** What completes with the next turn. */
  readonly ending: { readonly status: number; readonly isControl: boolean }[]
  turn(): void
  say(message: number): void
}

function sides(
  pair: Pair,
  incarnations: Uint32Array,
  countsRenewals: boolean,
  lossy = true,
): readonly [Side, Side] {
  const made = [0, 1].map((self): Side => {
    const ending: Side['ending'] = []
    let bytes = new Uint8Array(0)
    const host = {
      self,
      now: 0,
      incarnation: incarnations[self]!,
      capture: (from: Uint8Array, at: number, length: number) => {
        bytes = from.slice(at, at + length)
        return 0
      },
    }
    const native = {
      peerState: () => 'connected',
      control: (_pair: number, change: number, number: number) => {
        expect(change).toBe(Control.connect)
        pair.connect(self, number)
        ending.push({ status: Status.ok, isControl: true })
      },
      send: () => {
        ending.push({ status: pair.send(self, bytes.at(-1)!), isControl: false })
      },
    }
    const post = new Post({
      native: native as unknown as NativeNode,
      host: host as unknown as CoreHost,
      nodes: 2,
      pair: 0,
      depth: 8,
      lossy,
      incarnations,
      countsRenewals,
    })
    for (const node of [0, 1]) post.met(node, incarnations[node]!, 0)
    return {
      post,
      ending,
      turn() {
        host.now += 10
        for (const { status, isControl } of ending.splice(0)) post.ended(1 - self, status, isControl)
        post.tick()
      },
      say(message) {
        post.send(1 - self, Mail.message, 0, 0, Uint8Array.of(message), 0, 1)
      },
    }
  })
  return made as unknown as readonly [Side, Side]
}

/** Both have turns, each after it was told what the other has to tell: sooner than a request waits for its answer. */
function turns(both: readonly [Side, Side], count: number): void {
  for (let i = 0; i < count; i++)
    both.forEach((side, self) => {
      side.post.met(1 - self, 0, both[1 - self]!.post.renewals(self))
      side.turn()
    })
}

/** A few messages in each direction, then one request of the first side fails, as when its peer was paused for a while. */
function breakOneSide(both: readonly [Side, Side]): void {
  turns(both, 2)
  for (const message of [1, 2, 3]) for (const side of both) side.say(message)
  turns(both, 2)
  both[0].post.ended(1, Status.retryExceeded, false)
  turns(both, 4)
}

test('both ends begin anew under one number, and every message arrives', () => {
  const pair = new Pair()
  const both = sides(pair, new Uint32Array(2), true)
  breakOneSide(both)
  expect(both[0].post.revision).toBe(1)
  for (const message of [4, 5]) for (const side of both) side.say(message)
  turns(both, 2)
  expect(pair.heard).toEqual([
    [1, 2, 3, 4, 5],
    [1, 2, 3, 4, 5],
  ])
})

test('when both sides break at once they find each other again', () => {
  const pair = new Pair()
  const both = sides(pair, new Uint32Array(2), true)
  turns(both, 2)
  both.forEach(({ post }, self) => {
    post.ended(1 - self, Status.retryExceeded, false)
  })
  turns(both, 4)
  for (const side of both) side.say(1)
  turns(both, 2)
  expect(pair.heard).toEqual([[1], [1]])
})

test('an end that is connected alone would be acknowledged and not heard', () => {
  const pair = new Pair()
  const both = sides(pair, new Uint32Array(2), false)
  breakOneSide(both)
  both[0].say(4)
  turns(both, 1)
  expect(pair.heard[1]).toEqual([1, 2, 3])
})

test('a peer of which a new life is heard is connected when it has told how that life is reached', () => {
  const pair = new Pair()
  const incarnations = new Uint32Array(2)
  const [side] = sides(pair, incarnations, true)
  side.turn()
  incarnations[1] = 1
  side.turn()
  expect(pair.ends[0]!.number).toBe(0)
  side.post.met(1, 1, 0)
  side.turn()
  expect(pair.ends[0]!.number).not.toBe(0)
})

test('where nothing may be lost, what was not acknowledged is sent again, and known to have come before', () => {
  const pair = new Pair()
  const both = sides(pair, new Uint32Array(2), true, false)
  turns(both, 2)
  both[0].say(1)
  turns(both, 2)
  // The first of these has come, and its acknowledgement is lost; the second is lost itself.
  both[0].say(2)
  pair.connect(1, 77)
  both[0].say(3)
  both[0].ending[0] = { status: Status.retryExceeded, isControl: false }
  turns(both, 6)
  both[0].say(4)
  turns(both, 2)
  expect(pair.heard[1]).toEqual([1, 2, 2, 3, 4])
  // Its receiver counts the messages of a life.
  const { post } = both[1]
  expect([1, 2, 2, 3, 4].map((number) => post.isRepeated(0, 0, number))).toEqual([
    ...[false, false, true],
    ...[false, false],
  ])
  expect(post.isRepeated(0, 1, 1)).toBe(false)
})
