import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HistoryResidues } from '../../model-check/search/history-residues.js'
import type { HistoryProperty, SequentialModel, SystemModel } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { HistoryRecorder } from '../../sim/history/history.js'
import { keyValue } from '../../sim/history/key-value.js'
import { checkLinearizable } from '../../sim/history/linearizability.js'
import { register } from '../../sim/history/register.js'
import type { ClientEvent } from '../../sim/shrink/client-events.js'
import { World } from '../../sim/world/world.js'

/** What clients do next: begin an operation, are answered with a value, or give up. */
const moves = fc.array(
  fc.record({
    client: fc.nat(2),
    isWrite: fc.boolean(),
    value: fc.nat(2),
    key: fc.nat(1),
    givesUp: fc.nat(5).map((roll) => roll === 0),
  }),
  { maxLength: 16 },
)
const operations = 8
const okByte = 255

/** A world with clients whose operations are these; nothing else of it matters. */
function worldOf(scripts: readonly (readonly Uint8Array[])[]): World {
  const base = paxos.build({
    nodes: 3,
    parameters: { clients: 1, operations: 1, rounds: 1 },
    bug: undefined,
    draw: { between: (least) => least },
  })
  const clients = scripts.map((script) => ({ script, target: () => 0, timeoutMicros: 1, attempts: 1 }))
  const model: SystemModel = { ...base, workload: { ...base.workload!, clients } }
  return new World(model)
}

interface Case {
  readonly name: string
  readonly model: SequentialModel<unknown, unknown, unknown>
  decodeRequest(operation: Uint8Array): unknown
}
const cases: readonly Case[] = [
  {
    name: 'a register',
    model: register(0),
    decodeRequest: ([write = 0, value = 0]) => (write === 0 ? { kind: 'read' } : { kind: 'write', value }),
  },
  {
    name: 'a store of two keys',
    model: keyValue(),
    decodeRequest: ([write = 0, value = 0, key = 0]) =>
      write === 0 ? { kind: 'read', key } : { kind: 'write', value, key },
  },
]

describe.each(cases)('residues of $name', ({ model, decodeRequest }) => {
  const property: HistoryProperty = {
    name: 'linearizable',
    meaning: 'linearizable',
    model,
    decodeRequest,
    decodeReply: (memory, at) => (memory.getUint8(at) === okByte ? 'ok' : memory.getUint8(at)),
  }

  test('say at each return what the checker of whole histories says', () => {
    const seen = { linearizable: 0, not: 0 }
    fc.assert(
      fc.property(moves, (all) => {
        const scripts = [0, 1, 2].map((client) =>
          all
            .filter((move) => move.client === client)
            .slice(0, operations)
            .map(({ isWrite, value, key }) => Uint8Array.of(isWrite ? 1 : 0, value, key)),
        )
        const residues = new HistoryResidues(worldOf(scripts), property)
        const recorder = new HistoryRecorder<unknown, unknown>()
        const position = [0, 0, 0]
        const pending = [false, false, false]
        let residue = 0
        const tell = (event: ClientEvent): void => {
          residues.seen.events.splice(0, Infinity, event)
          residue = residues.advance(residue)
        }
        for (const { client, value, givesUp } of all) {
          const at = position[client]!
          const operation = scripts[client]![at]
          const nothing = new Uint8Array(0)
          if (!pending[client]) {
            if (operation === undefined) continue
            recorder.call(client, decodeRequest(operation))
            tell({ kind: 'call', client, position: at, content: nothing })
            pending[client] = true
            continue
          }
          pending[client] = false
          position[client]!++
          if (givesUp) {
            recorder.abandon(client)
            tell({ kind: 'abandon', client, position: at, content: nothing })
            continue
          }
          const isWrite = operation![0] === 1
          recorder.return(client, isWrite ? 'ok' : value)
          tell({ kind: 'return', client, position: at, content: Uint8Array.of(isWrite ? okByte : value) })
          const { verdict } = checkLinearizable(recorder.operations(), model)
          expect(residue >= 0).toBe(verdict === 'linearizable')
          if (residue < 0) {
            seen.not++
            return
          }
          seen.linearizable++
        }
      }),
      { numRuns: 1500, seed: 2 },
    )
    expect(seen.linearizable).toBeGreaterThan(500)
    expect(seen.not).toBeGreaterThan(200)
  })

  test('forget what has been explained', () => {
    const write = Uint8Array.of(1, 2, 0)
    const residues = new HistoryResidues(worldOf([[write, write, write]]), property)
    const after: number[] = []
    let residue = 0
    for (const position of [0, 1, 2]) {
      const content = Uint8Array.of(okByte)
      residues.seen.events.splice(
        0,
        Infinity,
        { kind: 'call', client: 0, position, content: new Uint8Array(0) },
        { kind: 'return', client: 0, position, content },
      )
      residue = residues.advance(residue)
      after.push(residue)
    }
    // The same value was written by each: what may be read next is the same.
    expect(new Set(after).size).toBe(1)
  })
})
