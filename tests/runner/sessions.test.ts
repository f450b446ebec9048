/** Sessions: how often an operation is asked for that nobody answers. */
import { describe, expect, it } from 'vitest'
import { Sessions } from '../../runner/sessions.js'

function open() {
  const asked: number[] = []
  const sessions = new Sessions({
    first: 0,
    count: 4,
    operationBytes: 64,
    replyBytes: 64,
    nextEpoch: () => 0,
    isRefusal: () => false,
    retryMillis: 20,
    patienceMillis: 1000,
    submit: () => {
      asked.push(sessions.now)
      return true
    },
  })
  return { sessions, asked }
}

/** Takes a turn every half millisecond, and one at once. */
function pass(sessions: Sessions, until: number): void {
  sessions.leave()
  while (sessions.now < until) {
    sessions.now += 0.5
    sessions.leave()
    sessions.tick()
  }
}

const operation = new Uint8Array(16)

describe('an operation that nobody answers', () => {
  it('is asked again at its pace while the leader stays', () => {
    const { sessions, asked } = open()
    sessions.propose(operation, 16, () => undefined)
    pass(sessions, 100)
    expect(asked).toEqual([0, 20, 40, 60, 80, 100])
  })

  it('is asked at once and often when the leader is new, which may not lead yet, and then ever more slowly', () => {
    const { sessions, asked } = open()
    sessions.propose(operation, 16, () => undefined)
    pass(sessions, 50)
    asked.length = 0
    sessions.leaderChanged()
    pass(sessions, 150)
    expect(asked).toEqual([50, 51, 52, 54, 58, 66, 82, 102, 122, 142])
  })

  it('is asked often too when it comes soon after the change', () => {
    const { sessions, asked } = open()
    sessions.leaderChanged()
    pass(sessions, 2)
    sessions.propose(operation, 16, () => undefined)
    pass(sessions, 20)
    expect(asked).toEqual([2, 4, 8, 16])
  })
})
