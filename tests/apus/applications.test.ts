/** The applications against their sequential models: what they answer is what the model allows, and nothing else is. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bank, OPENING_BALANCE } from '../../protocol/apus/bank.js'
import { keyValueStore } from '../../protocol/apus/key-value-store.js'
import type { Application } from '../../protocol/apus/application.js'
import { refused } from '../../protocol/index.js'

/** An application on memory of its own. */
function openApplication(application: Application) {
  const memory = new DataView(new ArrayBuffer(application.layout.sizeBytes))
  const state = application.layout.view(memory)
  const reply = new DataView(new ArrayBuffer(application.replyBytes))
  return {
    state,
    bytes: (): string => new Uint8Array(memory.buffer).toString(),
    ask(operation: Uint8Array): unknown {
      const input = new DataView(operation.buffer, operation.byteOffset, operation.byteLength)
      const length = application.apply(state, input, 0, operation.byteLength, reply, 0)
      expect(length).toBeLessThanOrEqual(application.replyBytes)
      return application.decodeReply(reply, 0, length)
    },
  }
}

/** A draw that takes its numbers from a list. */
function drawFrom(numbers: readonly number[]) {
  let next = 0
  return {
    between: (minimum: number, maximum: number): number =>
      minimum + (numbers[next++ % numbers.length]! % (maximum - minimum + 1)),
  }
}

const applications = { 'key-value store': keyValueStore(2, 3), bank: bank(3) }

for (const [name, application] of Object.entries(applications)) {
  describe(name, () => {
    it('answers as its sequential model, keeps its invariant, and reads change nothing', () => {
      fc.assert(
        fc.property(fc.array(fc.nat(1_000), { minLength: 8, maxLength: 200 }), (numbers) => {
          const opened = openApplication(application)
          const draw = drawFrom(numbers)
          let model = application.model.initial
          for (let position = 0; position < 20; position++) {
            const operation = application.drawOperation(draw, position % 3, position % 8)
            expect(operation.byteLength).toBeLessThanOrEqual(application.operationBytes)
            expect(operation.byteLength % 8).toBe(0)
            const before = opened.bytes()
            const output = opened.ask(operation)
            const input = application.decodeRequest(operation)
            const next = application.model.step(model, input, output)
            expect(next, application.model.describe(input, output)).not.toBe(refused)
            model = next
            if (application.isRead(new DataView(operation.buffer), 0)) expect(opened.bytes()).toBe(before)
            expect(application.check(opened.state)).toBeUndefined()
          }
        }),
      )
    })
    it('has a model that refuses another answer', () => {
      const opened = openApplication(application)
      const operation = application.drawOperation({ between: (minimum) => minimum }, 0, 0)
      const output = opened.ask(operation)
      const other = { ...(output as object), kind: 'none of them' }
      const { model } = application
      expect(model.step(model.initial, application.decodeRequest(operation), other)).toBe(refused)
    })
  })
}

/** A draw that gives these numbers, cut to what is asked for. */
const exactly = (...numbers: number[]) => {
  let next = 0
  return {
    between: (minimum: number, maximum: number): number =>
      Math.min(maximum, Math.max(minimum, numbers[next++] ?? minimum)),
  }
}

describe('a full key-value store', () => {
  const store = keyValueStore(2, 3)
  const put = (key: number, words: number): Uint8Array =>
    // What is done, whether it is the first key, which key, how many words.
    store.drawOperation(exactly(5, 0, key, words), 0, key)
  it('refuses a new key, changes nothing, and goes on serving the others', () => {
    const opened = openApplication(store)
    expect(opened.ask(put(0, 1))).toEqual({ kind: 'done', value: 0 })
    expect(opened.ask(put(1, 3))).toEqual({ kind: 'done', value: 0 })
    const before = opened.bytes()
    expect(opened.ask(put(2, 2))).toEqual({ kind: 'full', value: 0 })
    expect(opened.bytes()).toBe(before)
    expect(opened.ask(put(1, 2))).toEqual({ kind: 'done', value: 0 })
    expect(store.check(opened.state)).toBeUndefined()
  })
  it('has an invariant that sees words of different values', () => {
    const opened = openApplication(store)
    opened.ask(put(0, 2))
    const state = opened.state as ReturnType<typeof store.layout.view> & { memory: DataView; base: number }
    state.memory.setUint8(state.base + 8, 77)
    expect(store.check(opened.state)).toMatch(/different values/)
  })
})

describe('the bank', () => {
  const money = bank(2)
  const transfer = (from: number, to: number, amount: number): Uint8Array =>
    money.drawOperation(exactly(1, from, to, amount), 0, 0)
  it('refuses a transfer that is not covered', () => {
    const opened = openApplication(money)
    expect(opened.ask(transfer(0, 1, OPENING_BALANCE))).toMatchObject({ kind: 'done' })
    expect(opened.ask(transfer(0, 1, 1))).toMatchObject({ kind: 'insufficient' })
    expect(opened.ask(transfer(1, 0, OPENING_BALANCE))).toMatchObject({ kind: 'done' })
    expect(money.check(opened.state)).toBeUndefined()
  })
  it('has an invariant that misses money', () => {
    const opened = openApplication(money)
    opened.ask(transfer(0, 1, 3))
    const state = opened.state as { memory: DataView; base: number }
    state.memory.setUint32(state.base, 2, true)
    expect(money.check(opened.state as never)).toMatch(/has left accounts/)
  })
})
