/**
 * A register on a quorum of servers, with the semantics of Stateright's example `linearizable-register`.
 *
 * Source of the algorithm: Attiya, Bar-Noy, Dolev, "Sharing memory robustly in message-passing systems" (1995). Every
 * operation asks a quorum for the latest sequencer, then records a value at a quorum. What a server cannot serve now (it
 * has an operation under way) it refuses, and it stays in flight.
 */
import {
  type CoreDefinition,
  array,
  boolean,
  defineCore,
  enumeration,
  nodeSet,
  struct,
  u32,
  u8,
} from '../../protocol/index.js'
import {
  broadcast,
  countOf,
  isGet,
  majorityOf,
  message,
  messageKind,
  openPost,
  stampOf,
} from './register-clients.js'
import { registerSystem } from './register-system.js'

const { code } = messageKind
const phase = enumeration(['idle', 'querying', 'recording'])

function server(servers: number): CoreDefinition {
  const response = struct({ known: boolean, stamp: u32, value: u8 })
  return defineCore({
    state: struct({
      /** The sequencer of `value`: a logical clock and the server that set it. */
      stamp: u32,
      value: u8,
      phase,
      request: u8,
      /** What is to be written, or in the second phase of a get what was read. */
      operand: u8,
      responses: array(response, servers),
      acknowledged: nodeSet,
    }),
    scratchBytes: 64,
    create({ host, state, input, output }) {
      const received = message.view(input)
      const post = openPost(host, output)
      const quorum = majorityOf(servers)

      function adopt(stamp: number, value: number): void {
        if (stamp <= state.stamp) return
        state.stamp = stamp
        state.value = value
      }

      function learn(from: number, stamp: number, value: number): void {
        const response = state.responses.at(from)
        response.known = true
        response.stamp = stamp
        response.value = value
      }

      function beginOperation(request: number, value: number): void {
        if (state.phase !== phase.code.idle) return host.refuse()
        broadcast(post, servers, host.self, code.query, request)
        state.phase = phase.code.querying
        state.request = request
        state.operand = value
        learn(host.self, state.stamp, state.value)
      }

      function receiveResponse(from: number, request: number, stamp: number, value: number): void {
        if (state.phase !== phase.code.querying || state.request !== request) return host.refuse()
        learn(from, stamp, value)
        let known = 0
        let latest = -1
        let held = 0
        for (let each = 0; each < servers; each++) {
          const response = state.responses.at(each)
          if (!response.known) continue
          known++
          if (response.stamp <= latest) continue
          latest = response.stamp
          held = response.value
        }
        if (known === quorum) beginRecording(request, latest, held)
      }

      function beginRecording(request: number, latest: number, held: number): void {
        const isRead = isGet(request)
        const stamp = isRead ? latest : stampOf(countOf(latest) + 1, host.self)
        const value = isRead ? held : state.operand
        broadcast(post, servers, host.self, code.record, request, value, stamp)
        adopt(stamp, value)
        forgetOperation()
        state.phase = phase.code.recording
        state.request = request
        state.operand = isRead ? held : 0
        state.acknowledged.add(host.self)
      }

      function receiveAcknowledgement(from: number, request: number): void {
        if (state.phase !== phase.code.recording || state.request !== request) return host.refuse()
        if (state.acknowledged.has(from)) return host.refuse()
        state.acknowledged.add(from)
        if (state.acknowledged.size !== quorum) return
        if (isGet(request)) post(servers, code['get-ok'], request, state.operand)
        else post(servers, code['put-ok'], request)
        forgetOperation()
      }

      function forgetOperation(): void {
        state.phase = phase.code.idle
        state.request = 0
        state.operand = 0
        for (let each = 0; each < servers; each++) {
          const response = state.responses.at(each)
          response.known = false
          response.stamp = 0
          response.value = 0
        }
        state.acknowledged.clear()
      }

      return {
        start() {
          state.stamp = stampOf(0, host.self)
        },
        message(from) {
          const { kind, request, value, stamp } = received
          switch (kind) {
            case code.put:
            case code.get:
              return beginOperation(request, value)
            case code.query:
              return post(from, code['ack-query'], request, state.value, state.stamp)
            case code['ack-query']:
              return receiveResponse(from, request, stamp, value)
            case code.record:
              adopt(stamp, value)
              return post(from, code['ack-record'], request)
            case code['ack-record']:
              return receiveAcknowledgement(from, request)
            default:
              return host.refuse()
          }
        },
      }
    },
  })
}

export const linearizableRegister = registerSystem({
  name: 'linearizable-register',
  summary: 'A register on a quorum of servers (Attiya, Bar-Noy, Dolev).',
  servers: 2,
  fewest: 2,
  answers: 'everybody',
  server,
})
