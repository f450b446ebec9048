/** The sites of a node that are its own: polls, observes, stores, timers, spontaneous inputs. */
import { mostObserves } from './node-parts.js'
import { Handler } from '../../protocol/index.js'
import type { Node } from './node.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

export function nodeSites(world: World, node: Node): void {
  const name = world.nodeName(node.index)
  const { definition, parts } = node
  const regions = parts.regions.map((part) => part.index)
  const shared = { ...single, node: node.index, from: -1 }
  const loads = world.knobs.poll === 'loads'
  const writes = [...node.writes, parts.copies.index]

  if (definition.windows.length > 0)
    node.windows.pollSite = world.addSite({
      ...shared,
      kind: 'poll',
      name: `poll ${name}`,
      guards: node.readyParts,
      reads: [...node.reads, ...regions, parts.control.index, parts.copies.index],
      wakes: definition.pollFollowsWindows === true ? regions : [...node.reads, ...regions],
      writes,
      armed: () => (node.windows.canPoll() ? 1 : 0),
      step: () => node.windows.pollStep(),
      describe: () => (loads ? `word ${String(node.windows.loadedWords())}` : ''),
    })
  if (regions.length > 0) {
    const site: number = world.addSite({
      ...shared,
      kind: 'observe',
      name: `observe ${name}`,
      guards: [...node.readyParts, parts.control.index],
      reads: [...node.reads, ...regions, parts.copies.index],
      writes,
      armed() {
        let count = 0
        for (let slot = 0; slot < mostObserves; slot++) if (node.windows.observeArmed(slot)) count++
        return count
      },
      subject(choice) {
        return node.windows.observeToken(slotOf(choice))
      },
      find(subject) {
        const count = this.armed()
        for (let choice = 0; choice < count; choice++) if (this.subject(choice) === subject) return choice
        return -1
      },
      step: (choice) => node.windows.observeStep(slotOf(choice), site),
      describe: (choice) => `token ${String(node.windows.observeToken(slotOf(choice)))}`,
    })
  }
  function slotOf(choice: number): number {
    let left = choice
    for (let slot = 0; slot < mostObserves; slot++)
      if (node.windows.observeArmed(slot) && left-- === 0) return slot
    return 0
  }
  if (loads && regions.length > 0)
    world.addSite({
      ...shared,
      kind: 'store',
      name: `store ${name}`,
      guards: node.readyParts,
      reads: [],
      writes,
      armed: () => (node.isRunning() && node.waiting.isAny() ? 1 : 0),
      step() {
        node.waiting.storeWord()
        return Outcome.moved
      },
      describe: () => '',
    })
  definition.timers.forEach((timer, i) => {
    node.timerSites.push(
      world.addSite({
        ...shared,
        kind: 'timer',
        name: `timer ${name} ${timer}`,
        gate: parts.control.offset / 4,
        guards: [...node.readyParts, parts.control.index],
        reads: node.reads,
        wakes: node.reads,
        writes,
        armed: () => (node.ready() && node.timerIsArmed(i) ? 1 : 0),
        step: () => node.fire(i),
        describe: () => '',
      }),
    )
  })
  definition.inputs.forEach((input, i) => {
    world.addSite({
      ...shared,
      kind: 'input',
      name: `input ${name} ${input}`,
      guards: node.readyParts,
      reads: node.reads,
      wakes: [...node.reads, parts.control.index],
      writes,
      armed: () => (node.ready() ? 1 : 0),
      step: () => node.run(Handler.input, i, 0, 0),
      describe: () => '',
    })
  })
}
