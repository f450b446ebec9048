/** A parcel that should come to the last node, and variants in which it never does. For judging liveness. */
import {
  type CoreDefinition,
  type SystemDefinition,
  defineCore,
  defineSystem,
  struct,
  u8,
} from '../../protocol/index.js'

const state = struct({ holds: u8, delivered: u8 })

function courier(bug: string | undefined): CoreDefinition {
  return defineCore({
    state,
    timers: ['again'],
    inputs: ['forward', 'back', 'lose'],
    scratchBytes: 8,
    create({ host, state, input, output }) {
      const isLast = host.self + 1 === host.nodes
      const send = (to: number, what: number): void => {
        output.setUint8(0, what)
        host.send(to, 0, 1)
      }
      const handOn = (to: number): void => {
        if (state.holds === 0) return host.refuse()
        state.holds = 0
        send(to, 1)
      }
      return {
        start() {
          if (host.self > 0) return
          state.holds = 1
          if (bug === 'chatters') host.setTimer(0, 10)
        },
        input(which) {
          if (which === 0) return isLast ? host.refuse() : handOn(host.self + 1)
          if (which === 1)
            return bug === 'returns' && host.self > 0 && !isLast ? handOn(host.self - 1) : host.refuse()
          if (bug !== 'loses' || state.holds === 0 || isLast) return host.refuse()
          state.holds = 0
        },
        timer() {
          send(1, 2)
        },
        message() {
          // Chatter goes to and fro on the channels that the parcel takes.
          if (input.getUint8(0) === 2) {
            if (host.self === 1) return send(0, 2)
            return host.setTimer(0, 10)
          }
          state.holds = 1
          if (isLast) state.delivered = 1
        },
      }
    },
  })
}

export const courierSystem: SystemDefinition = defineSystem({
  name: 'courier',
  summary: 'A parcel is handed on from node to node',
  nodes: { minimum: 2, maximum: 4, default: 3, noun: 'nodes' },
  parameters: {},
  bugs: {
    loses: { story: 'A node may lose the parcel.', fix: 'Hold it.', caughtBy: ['goal-unreachable'] },
    returns: { story: 'A node may send the parcel back.', fix: 'Only forward.', caughtBy: ['livelock'] },
    chatters: {
      story: 'Chatter on the same channels may pass the parcel for ever.',
      fix: 'Give it a channel of its own.',
      caughtBy: ['livelock'],
    },
  },
  build({ nodes, bug }) {
    const core = courier(bug)
    return {
      cores: Array.from({ length: nodes }, () => core),
      network: { kind: 'unordered', messageBytes: 4, capacity: 4, lossy: true, describe: () => 'parcel' },
      atlas: { safety: { drop: Infinity }, unavailable: 0, beyond: [] },
      spec: {
        invariants: [],
        stepInvariants: [],
        history: undefined,
        goal: {
          name: 'delivered',
          meaning: 'The last node has had the parcel.',
          reached: (observer) => observer.state(observer.nodes - 1, state).delivered === 1,
        },
      },
      bounds: {},
    }
  },
})
