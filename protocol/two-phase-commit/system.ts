/** Two-phase commit as a system: one transaction manager, some resource managers, a network that forgets nothing. */
import { defineSystem, type FaultAtlas } from '../system.js'
import { bugs } from './bugs.js'
import { resourceManager, transactionManager } from './core.js'
import { MANAGER, messageKind, messageLayout } from './layout.js'
import { spec } from './spec.js'

export const twoPhaseCommit = defineSystem({
  name: '2pc',
  summary:
    'Two-phase commit, exactly as the TLA+ module TwoPhase: one transaction manager asks all resource managers.',
  nodes: { minimum: 2, maximum: 9, default: 3, noun: 'resource managers' },
  parameters: {},
  bugs,
  build(choice) {
    const resource = resourceManager(choice.bug)
    const resources = Array.from({ length: choice.nodes }, () => resource)
    return {
      cores: [transactionManager(choice.bug), ...resources],
      network: {
        kind: 'set',
        messageBytes: messageLayout.sizeBytes,
        // Prepared one way; Commit and Abort the other way, of which a right manager sends one.
        capacity: 2,
        lossy: false,
        layout: messageLayout,
        describe: (memory, at) => messageKind.nameOf(memory.getUint8(at)),
      },
      atlas: atlasFor(choice.nodes),
      spec,
      bounds: { resourceManagers: choice.nodes },
    }
  },
})

function atlasFor(resourceManagers: number): FaultAtlas {
  return {
    safety: { crash: Infinity, pause: Infinity, resume: Infinity, cut: Infinity, heal: Infinity },
    unavailable: resourceManagers,
    beyond: [
      {
        name: 'restart-with-amnesia',
        story:
          'A resource manager restarts and has forgotten that it prepared, because nothing is on disk. It may then choose to abort what the transaction manager has committed.',
        faults: { crash: 1, restart: 1 },
        spared: { crash: [MANAGER], restart: [MANAGER] },
        caughtBy: ['vote-binds', 'commit-needs-every-vote', 'consistency'],
      },
    ],
  }
}
