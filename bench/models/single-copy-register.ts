/**
 * Servers that each hold a register of their own, with the semantics of Stateright's example `single-copy-register`:
 * linearizable with one server, and not with two.
 */
import { defineCore, struct, u8 } from '../../protocol/index.js'
import { message, messageKind, openPost } from './register-clients.js'
import { registerSystem } from './register-system.js'

const { code } = messageKind

export const singleCopyRegister = registerSystem({
  name: 'single-copy-register',
  summary: 'Each server answers from its own copy.',
  servers: 1,
  fewest: 1,
  answers: 'everybody',
  server: () =>
    defineCore({
      state: struct({ value: u8 }),
      scratchBytes: 64,
      create({ host, state, input, output }) {
        const received = message.view(input)
        const post = openPost(host, output)
        return {
          start() {},
          message(from) {
            const { kind, request, value } = received
            if (kind === code.put) {
              state.value = value
              post(from, code['put-ok'], request)
            } else if (kind === code.get) post(from, code['get-ok'], request, state.value)
            else host.refuse()
          },
        }
      },
    }),
})
